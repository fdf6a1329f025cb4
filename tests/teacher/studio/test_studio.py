"""The studio: real voices, the same to the bit each time, and understood by a recogniser."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from faster_whisper import WhisperModel
from jiwer import cer

from lauter.datasets.audio import resample
from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt, Request, dialect_language
from lauter.datasets.weights import find
from lauter.teacher.protocol import Speech
from lauter.teacher.studio.studio import Studio


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def recogniser() -> WhisperModel:
    return WhisperModel(str(find("whisper-base")), device="cpu", compute_type="int8", cpu_threads=1)


def request(studio: Studio, dialect: str, text: str, **asked: object) -> Request:
    speaker = asked.pop("speaker", None) or studio.capabilities().speakers(dialect)[0]
    prompt = Prompt(text, dialect_language(dialect), dialect, speaker=str(speaker), **asked)  # type: ignore[arg-type]
    return Request(prompt, studio.name, studio.fingerprint(), seed=7).identified()


def heard(studio: Studio, requests: Sequence[Request]) -> list[Speech]:
    answers = studio.speak(requests)
    assert all(isinstance(answer, Speech) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Speech)]


def digests(speeches: Sequence[Speech]) -> list[str]:
    return [hashlib.sha256(speech.samples.tobytes()).hexdigest() for speech in speeches]


SENTENCES = {
    "en-US": "He arrived at noon.",
    "en-GB": "The tea is cold.",
    "cmn": "我们走吧。",
    "ja-JP": "猫がいます。",
}


def test_the_model_is_not_loaded_to_say_what_can_be_done() -> None:
    script = (
        "import os; from pathlib import Path; from lauter.teacher.studio.studio import Studio;"
        "s = Studio(); s.capabilities(); s.fingerprint();"
        "print('kokoro-v1.0.int8.onnx' in Path('/proc/self/maps').read_text(),"
        "'_kokoro' in vars(s))"
    )
    shown = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == ["False", "False"]


@pytest.mark.slow
def test_speech_does_not_depend_on_neighbours_threads_or_memory(studio: Studio) -> None:
    requests = [request(studio, dialect, SENTENCES[dialect]) for dialect in ("en-GB", "ja-JP")]
    together = digests(heard(studio, requests))
    forgetful = Studio(kept=0)
    alone = [digests(heard(forgetful, [asked]))[0] for asked in reversed(requests)]
    assert alone[::-1] == together
    with ThreadPoolExecutor(2) as pool:
        racing = list(pool.map(lambda asked: digests(heard(forgetful, [asked]))[0], requests))
    assert racing == together


@pytest.mark.slow
def test_two_processes_speak_the_same_to_the_bit() -> None:
    script = (
        "import hashlib; from lauter.datasets.records import Prompt, Request;"
        "from lauter.teacher.studio.studio import Studio; s = Studio();"
        "r = Request(Prompt('He arrived at noon.', 'en', 'en-US', emotion='joy', emotion_level=2,"
        "speaker=s.capabilities().speakers('en-US')[0]), 'studio', '', 3);"
        "print(hashlib.sha256(s.speak([r])[0].samples.tobytes()).hexdigest())"
    )
    # Two threads for BLAS and ONNX Runtime's defaults in one, one in the other: no difference.
    spoken = {
        subprocess.run(
            [sys.executable, "-P", "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "2")
    }
    assert len(spoken) == 1


def test_the_levels_of_a_sentence_decode_once(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    kokoro = studio._kokoro
    run = type(kokoro)._run

    def counted(self: object, phonemes: str, *others: object) -> object:
        decoded.append(phonemes)
        return run(self, phonemes, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(type(kokoro), "_run", counted)
    levels = [
        request(studio, "en-US", "Nobody knew.", emotion="joy", emotion_level=level)
        for level in (1, 2, 3)
    ]
    speeches = heard(studio, [request(studio, "en-US", "Nobody knew."), *levels])
    assert len(decoded) == 1
    assert len(set(digests(speeches))) == 4


def test_speech_is_mono_without_clipping_or_long_silence(studio: Studio) -> None:
    for speech in heard(studio, [request(studio, d, t) for d, t in SENTENCES.items()]):
        assert speech.sample_rate == 24_000
        assert speech.samples is not None
        assert speech.samples.dtype == np.float32
        assert np.abs(speech.samples).max() < 1.0
        assert np.abs(speech.samples[: 24 * 80]).max() > 0.001
        assert speech.device_s >= 0.0


def test_a_blend_is_a_voice_of_its_own(studio: Studio) -> None:
    blended = next(
        voice.speaker
        for voice in studio.capabilities().voices
        if voice.speaker.startswith("blend_") and voice.dialect == "ja-JP"
    )
    first, second = "jf_alpha", "jf_tebukuro"
    assert blended == f"blend_{first}_{second}"
    spoken = [request(studio, "ja-JP", "猫。", speaker=name) for name in (first, second, blended)]
    assert len(set(digests(heard(studio, spoken)))) == 3


def test_one_bad_request_leaves_its_neighbours_alone(studio: Studio) -> None:
    good = request(studio, "ja-JP", "猫がいます。")
    unread = request(studio, "ja-JP", "猫♪")
    nameless = Request(Prompt("Hello.", "en", "en-US"), studio.name, "", 0)
    stranger = request(studio, "en-US", "Hello.", speaker="nobody")
    answers = studio.speak([unread, good, nameless, stranger])
    assert isinstance(answers[1], Speech)
    assert "cannot read" in str(answers[0])
    assert "names no speaker" in str(answers[2])
    assert "has no speaker 'nobody' for en-US" in str(answers[3])
    assert all(isinstance(answers[place], UsageError) for place in (0, 2, 3))


def test_the_fingerprint_tells_what_changes_the_sound_and_only_that() -> None:
    assert Studio().fingerprint() == Studio(voices=["jf_alpha"], blends=(), kept=1).fingerprint()
    assert Studio().fingerprint() != Studio(speed=1.1).fingerprint()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"speed": 3.0}, "teacher.speed is 3; Kokoro speaks at 0.5 to 2 times its pace"),
        ({"voices": "jf_alpha"}, "teacher.voices is 'jf_alpha'; give 'all' or a list"),
        ({"blends": [["jf_alpha"]]}, r"teacher.blends holds '\['jf_alpha'\]'; give pairs"),
    ],
)
def test_an_option_that_cannot_be_is_a_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Studio(**options)  # type: ignore[arg-type]


def test_a_chosen_voice_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="has no speaker 'af_nobody'"):
        Studio(voices=["af_nobody"]).capabilities()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialect", "written", "most"),
    [
        ("en-US", "She sold 42 paintings. Have you seen one?", 0.1),
        ("en-GB", "We walked along the canal and fed the ducks.", 0.05),
        ("cmn", "衣服只要199元，便宜了20%。你喜欢喝茶吗？", 0.2),
        ("ja-JP", "この服は20%引きで、1980円です。", 0.2),
    ],
)
def test_a_recogniser_understands_every_dialect(
    studio: Studio, recogniser: WhisperModel, dialect: str, written: str, most: float
) -> None:
    (speech,) = heard(studio, [request(studio, dialect, written)])
    assert speech.samples is not None
    segments, _ = recogniser.transcribe(
        resample(speech.samples, 24_000, 16_000), language=dialect_language(dialect), beam_size=5
    )

    def plain(text: str) -> str:
        return "".join(letter for letter in text.lower() if letter.isalnum())

    assert cer(plain(written), plain("".join(segment.text for segment in segments))) <= most
