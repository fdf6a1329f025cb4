"""Reference recordings: bad ones are told in a sentence, of good ones the best stretch is taken."""

from pathlib import Path

import numpy as np
import pytest
from recordings import RATE, bad_recordings, sentences, written

from lauter.datasets.errors import UsageError
from lauter.filters.speaker import Embedding
from lauter.pipelines.reference_listener import ReferenceListener, matching_part

SENTENCES = {
    "two speakers": "more than one voice in it",
    "music": "music, a hum or other voices behind the voice",
    "half a second": "of speech, and a voice shows itself in 3 s or more",
    "8 kHz": "has 8000 samples a second",
    "once 8 kHz": "has nothing above 4 kHz",
    "stereo": "has channels that differ",
    "no speech": "has no speech in it",
    "clipped": "is clipped",
    "no audio": "cannot be decoded",
    "missing": "cannot be read",
}


@pytest.fixture(scope="module")
def listener() -> ReferenceListener:
    return ReferenceListener()


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return bad_recordings(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize("kind", SENTENCES)
def test_a_bad_recording_has_its_sentence(
    listener: ReferenceListener, bad: dict[str, Path], kind: str
) -> None:
    faults = listener.heard(bad[kind]).faults
    found = [one for one in faults if SENTENCES[kind] in one]
    assert len(found) == 1 and str(bad[kind]) in found[0], faults
    assert "\n" not in found[0]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_good_recording_has_no_fault_nor_has_it_twice_beside_itself(
    listener: ReferenceListener, tmp_path: Path, language: str
) -> None:
    samples, _ = sentences(language, 4)
    mono = listener.heard(written(tmp_path / "mono.wav", samples))
    twice = listener.heard(written(tmp_path / "twice.wav", np.stack([samples, samples], axis=1)))
    assert mono.faults == twice.faults == []
    assert mono.voice is not None and twice.voice is not None
    assert mono.voice @ twice.voice == pytest.approx(1.0, abs=1e-4)


def test_one_hearing_tells_whose_voice_it_is_and_nobodys_where_there_is_none(
    listener: ReferenceListener, bad: dict[str, Path], tmp_path: Path
) -> None:
    def voice(language: str, first: int = 0) -> Embedding:
        path = written(tmp_path / f"{language}-{first}.wav", sentences(language, 3, first)[0])
        heard = listener.heard(path).voice
        assert heard is not None and np.linalg.norm(heard) == pytest.approx(1.0, abs=1e-5)
        return heard

    english = voice("en")
    assert english @ voice("en", 4) > 0.8 > english @ voice("ja")
    assert listener.heard(bad["no speech"]).voice is None
    assert listener.heard(bad["missing"]).voice is None


@pytest.mark.slow
def test_the_best_stretch_is_the_one_without_noise_and_has_its_own_words(
    listener: ReferenceListener,
) -> None:
    noisy, first = sentences("en", 3)
    clean, second = sentences("en", 3, first=5)
    noise = np.random.default_rng(0).normal(0, 0.01, len(noisy)).astype(np.float32)
    chosen = listener.choose(
        np.concatenate([noisy + noise, clean]), RATE, f"{first} {second}", "en-US"
    )
    assert chosen.stretch.start_s > len(noisy) / RATE - 0.5
    assert 3.0 <= chosen.stretch.duration_s <= 10.0
    assert chosen.text in second and chosen.measures.cer is not None and chosen.measures.cer < 0.1
    with pytest.raises(UsageError, match="hears other words in the recording than its text"):
        listener.choose(clean, RATE, "Completely other words that nobody ever said.", "en-US")
    with pytest.raises(UsageError, match="no recogniser here knows yue"):
        listener.choose(clean, RATE, second, "yue")


def test_without_whole_sentences_nothing_is_chosen(listener: ReferenceListener) -> None:
    short, text = sentences("en", 1)
    with pytest.raises(UsageError, match="no stretch of 3 to 10 s lies between two pauses"):
        listener.choose(short, RATE, text, "en-US")


@pytest.mark.parametrize(
    ("text", "heard", "part"),
    [
        ("One. Two things are here. Three.", "two things are hear", "Two things are here."),
        ("It's late. Don't wait!", "don't wait", "Don't wait!"),
        (
            "早上好。我们在湖边等了半个小时。再见。",
            "我们在湖边等了半个小时",
            "我们在湖边等了半个小时。",
        ),
        ("short", "something much longer than it", "short"),
    ],
)
def test_the_part_that_was_heard_is_found_in_whole_words(text: str, heard: str, part: str) -> None:
    assert matching_part(text, heard) == part
