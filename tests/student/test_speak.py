"""A student with its codec: requests become speech, and what cannot be spoken is told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from taught_student import (
    SHAPE,
    SPEAKER,
    TAUGHT,
    TIMBRE,
    some_codes,
    taught_model,
    write_taught_student,
    write_untrained_codec,
)

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, END, Ids, Reference, speech_prompt
from lauter.datasets.pair_tokenizer import PairTokenizer
from lauter.datasets.records import Prompt
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student import speak
from lauter.student.checkpoint import save_model
from lauter.student.codec.codec import Codec, Timbre, open_codec
from lauter.student.generation import Sampling
from lauter.student.model import SpeechModel, build
from lauter.student.presets import with_text
from lauter.student.speak import EMPTY, NO_END, SpeechRequest, Student, most_codes

GREEDY = Sampling(temperature=0)
HUM = Clip.of(
    (0.3 * np.sin(np.arange(24_000) / 24_000 * 440 * 2 * np.pi)).astype(np.float32), 24_000
)


@pytest.fixture(scope="session")
def codec_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(scope="session")
def folder(codec_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_taught_student(tmp_path_factory.mktemp("taught") / "student", codec_folder)


@pytest.fixture(scope="session")
def codec(codec_folder: Path) -> Codec:
    return open_codec(codec_folder)


@pytest.fixture(scope="session")
def student(folder: Path, codec_folder: Path) -> Student:
    return Student.open(folder, codec=codec_folder, sampling=GREEDY)


def asking(text: str, seed: int = 0, **about: object) -> SpeechRequest:
    return SpeechRequest(Prompt(text, "en", "en-US", speaker=SPEAKER), seed, **about)  # type: ignore[arg-type]


def test_what_it_has_learnt_it_says_to_the_end(student: Student) -> None:
    for text, spoken in zip(TAUGHT, student.speak([asking(text) for text in TAUGHT]), strict=True):
        assert np.array_equal(spoken.codes, TAUGHT[text])
        assert spoken.failure is None and spoken.seconds > 0
        assert spoken.samples is not None and spoken.sample_rate == 24_000
        assert len(spoken.samples) == len(TAUGHT[text]) // 5 * 2880


def test_the_sound_is_the_codecs_in_the_speakers_timbre(student: Student, codec: Codec) -> None:
    (spoken,) = student.speak([asking("one")])
    timbre = Timbre(torch.eye(128)[0])
    np.testing.assert_array_equal(spoken.samples, codec.decode([TAUGHT["one"]], [timbre])[0])


def test_answers_come_in_the_order_of_the_requests_in_any_batch(
    folder: Path, codec_folder: Path, student: Student
) -> None:
    texts = ["two three", "one", "one", "two three", "one"]
    progress: list[tuple[int, int]] = []
    by_two = Student.open(folder, codec=codec_folder, sampling=GREEDY, batch_size=2)
    together = student.speak([asking(text) for text in texts])
    apart = by_two.speak(
        [asking(text) for text in texts], on_spoken=lambda *done: progress.append(done)
    )
    for text, one, other in zip(texts, together, apart, strict=True):
        assert np.array_equal(one.codes, TAUGHT[text]) and np.array_equal(other.codes, one.codes)
        assert one.samples is not None and other.samples is not None
        # The codec's own tests hold how far its last frames may hear what fills up a batch.
        np.testing.assert_allclose(one.samples[:-240], other.samples[:-240], atol=1e-3)
    assert progress == [(2, 5), (4, 5), (5, 5)]


def test_nothing_asked_is_nothing_spoken(student: Student) -> None:
    assert student.speak([]) == []


def test_without_a_name_the_first_voice_speaks(student: Student) -> None:
    (spoken,) = student.speak([SpeechRequest(Prompt("one", "en", "en-US"))])
    assert np.array_equal(spoken.codes, TAUGHT["one"])


def test_speech_that_runs_on_to_its_limit_has_failed_and_can_be_heard(
    folder: Path, codec_folder: Path
) -> None:
    short = Student.open(folder, codec=codec_folder, sampling=replace(GREEDY, max_codes=10))
    (spoken,) = short.speak([asking("two three")])
    assert spoken.failure == NO_END
    assert np.array_equal(spoken.codes, TAUGHT["two three"][:10])
    assert spoken.samples is not None and len(spoken.samples) == 2 * 2880


def test_a_student_that_says_nothing_has_failed(codec: Codec) -> None:
    silent = build(SHAPE, seed=1)
    lean = torch.zeros(5440)
    lean[END] = 100.0
    silent.lm_head.register_forward_hook(lambda head, given, logits: logits + lean)
    facts = {"speakers": [SPEAKER], "timbres": {SPEAKER: [1.0] + [0.0] * 127}}
    (spoken,) = Student(silent, facts, codec).speak([asking("one")])
    assert spoken.failure == EMPTY and spoken.samples is None and not len(spoken.codes)


def test_a_recording_gives_the_timbre(student: Student, codec: Codec) -> None:
    (spoken,) = student.speak([asking("one", reference=HUM)])
    assert np.array_equal(spoken.codes, TAUGHT["one"])
    expected = codec.decode([TAUGHT["one"]], [codec.timbre(HUM.samples, 24_000)])[0]
    np.testing.assert_array_equal(spoken.samples, expected)


def test_a_student_that_goes_on_from_recordings_gets_one_as_the_first_turn(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = some_codes(4, 9)
    # The recogniser takes seconds; what it would hear in a hum is no matter here.
    monkeypatch.setattr(Codec, "encode", lambda *given: [said])
    asked: list[Ids] = []
    answer = speak.generate

    def listening(model: SpeechModel, prompts: Sequence[Ids], *rest: Any, **more: Any) -> Any:
        asked.extend(prompts)
        return answer(model, prompts, *rest, **more)

    monkeypatch.setattr(speak, "generate", listening)
    facts = {"reference_turns": True, "speakers": [SPEAKER]}
    going_on = Student(taught_model(), facts, codec, sampling=Sampling(max_codes=20))
    published = Student(taught_model(), {}, codec, sampling=Sampling(max_codes=20))
    for student, name in ((going_on, ""), (published, SPEAKER)):
        student.speak([asking("one", reference=HUM, reference_text="hm")])
        expected = speech_prompt(
            ByteTokenizer(), COMPACT, "one", system=name, reference=Reference("hm", said)
        )
        assert np.array_equal(asked.pop(), expected)
    for text in (None, " "):
        with pytest.raises(UsageError, match="give its text as well"):
            going_on.speak([asking("one", reference=HUM, reference_text=text)])


def test_a_timbre_alone_is_no_turn_to_go_on_from(codec: Codec) -> None:
    facts = {"reference_turns": True, "speakers": []}
    going_on = Student(taught_model(), facts, codec, sampling=GREEDY)
    lent = asking("one", reference=HUM, reference_text="hm", timbre_alone=True)
    (spoken,) = going_on.speak([lent])
    assert np.array_equal(spoken.codes, TAUGHT["one"])
    expected = codec.decode([TAUGHT["one"]], [codec.timbre(HUM.samples, 24_000)])[0]
    np.testing.assert_array_equal(spoken.samples, expected)


def test_tags_stand_before_the_text(student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    encode = ByteTokenizer.encode
    monkeypatch.setattr(
        ByteTokenizer, "encode", lambda self, text: [read.append(text), *encode(self, text)][1:]
    )
    prompt = Prompt("one", "en", "en-US", emotion="joy", emotion_level=2, speaker=SPEAKER)
    student.speak([SpeechRequest(prompt)])
    assert "(高兴2)one" in read


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (asking("  "), "there is nothing to say: the text is empty"),
        (asking("many words " * 40), r"of 440 characters .* context of the student .* is 400"),
        (SpeechRequest(Prompt("one", "en", "en-US", speaker="Eve")), "the voice 'Eve'; .* as Ada"),
        (
            asking("one", reference=Clip.of(np.full(2400, 0.1, np.float32), 24_000)),
            "the reference recording lasts 0.10 s",
        ),
        (
            asking("one", reference=Clip.of(np.zeros(48_000, np.float32), 24_000)),
            "the reference recording is silent",
        ),
        (asking("one", reference=Clip(b"no sound")), "cannot be decoded"),
    ],
)
def test_what_cannot_be_spoken_is_told(
    student: Student, request_: SpeechRequest, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        student.speak([asking("one"), request_])


def test_a_voice_without_a_timbre_wants_a_recording(codec: Codec) -> None:
    nameless = Student(taught_model(), {"speakers": [SPEAKER]}, codec)
    with pytest.raises(UsageError, match=r"brings no timbre of the voice 'Ada'; give a recording"):
        nameless.speak([asking("one")])


def test_another_codec_is_told(folder: Path, tmp_path: Path) -> None:
    other = write_untrained_codec(tmp_path / "other", seed=1)
    with pytest.raises(UsageError, match=r"speaks the codes of the codec .* and this one is"):
        Student.open(folder, codec=other)


def test_another_tokenizer_is_told(codec: Codec) -> None:
    with pytest.raises(UsageError, match="has learnt with another tokenizer"):
        Student(taught_model(), {"tokenizer_fingerprint": "f00"}, codec)


def test_a_published_model_wants_its_own_tokenizer(codec: Codec) -> None:
    published = build(replace(SHAPE, text_size=300), seed=1)
    with pytest.raises(UsageError, match="reads 300 ids of text, and the tokenizer at hand has"):
        Student(published, {}, codec)


def test_a_student_of_byte_pairs_reads_by_its_own_tokenizer(
    codec: Codec, codec_folder: Path, tmp_path: Path
) -> None:
    pairs = PairTokenizer.learnt(["one two"] * 9, 300)
    facts = {
        "codec_fingerprint": codec.fingerprint, "tokenizer_fingerprint": pairs.fingerprint(),
        "speakers": [SPEAKER], "timbres": {SPEAKER: TIMBRE},
    }  # fmt: skip
    shape = with_text(SHAPE, pairs.size)
    save_model(build(shape, seed=1), tmp_path / "student", facts, tokenizer=pairs)

    student = Student.open(tmp_path / "student", codec=codec_folder, sampling=Sampling(max_codes=5))

    (said,) = student.speak([asking("one two")])
    assert len(said.codes) <= 5
    (tmp_path / "student" / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match="copy its whole folder again"):
        Student.open(tmp_path / "student", codec=codec_folder)


def test_what_would_be_refused_is_known_before_anything_is_said(student: Student) -> None:
    student.check([asking("one")])
    with pytest.raises(UsageError, match="the text is empty"):
        student.check([asking("one"), asking(" ")])


def test_a_recording_is_heard_once_for_many_texts(
    student: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Clip.of(np.sin(np.arange(32_000, dtype=np.float32) / 20), 16_000)
    heard = []
    timbre = type(student.codec).timbre

    def counted(codec: Codec, *samples: Any) -> Any:
        heard.append(samples)
        return timbre(codec, *samples)

    monkeypatch.setattr(type(student.codec), "timbre", counted)
    student.speak([asking("one", reference=recording), asking("two", reference=recording)])
    assert len(heard) == 1


def test_a_texts_length_limits_its_speech() -> None:
    assert most_codes("") == 83
    # A minute of slow English.
    assert most_codes("a" * 600) > 60 * 42
    # What the fast teacher takes for these.
    assert most_codes("$7,777,777.77") > 6.4 * 42
    assert most_codes("1,999,999") > 2 * 3.75 * 42
    slow = most_codes("She waits for the bus.", speed_level=-5) - most_codes("")
    assert slow == pytest.approx(
        2.5 * (most_codes("She waits for the bus.") - most_codes("")), abs=2
    )


def test_timbres_of_a_decoder_before_it_was_trained_anew_are_refused(codec: Codec) -> None:
    stored = {"speakers": [SPEAKER], "timbres": {SPEAKER: [1.0] + [0.0] * 127}}
    for heard_by, told in ((codec.timbre_fingerprint(), None), ("another", "trained anew")):
        student = Student(
            taught_model(), stored | {"timbre_fingerprint": heard_by}, codec, sampling=GREEDY
        )
        if told is None:
            student.check([asking("one")])
        else:
            with pytest.raises(UsageError, match=told):
                student.check([asking("one")])
        student.check([asking("one", reference=HUM)])
