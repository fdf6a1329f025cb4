"""The student and the codec as systems: what they cannot say is a failure, told as such."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coded_export import coded_export
from evaluated_speech import items
from taught_student import (
    SPEAKER,
    TAUGHT,
    TIMBRE,
    some_codes,
    taught_model,
    write_taught_student,
    write_untrained_codec,
)

from lauter.datasets.audio import Clip, encode_flac
from lauter.datasets.codes import Codes
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, Ids, Reference, speech_prompt
from lauter.datasets.records import Prompt, Request
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.pipelines.evaluation_items import Item, items_of_list
from lauter.pipelines.evaluation_student import (
    REFUSED,
    StudentSpeaks,
    device_name,
    open_systems,
    student_fingerprint,
)
from lauter.pipelines.evaluation_systems import NO_VOICE, Resynthesis, decoded_each
from lauter.pipelines.speaking_evaluation import SpeakEvaluation, make_speak_evaluation
from lauter.student import speak
from lauter.student.codec.codec import Codec, open_codec
from lauter.student.generation import Sampling
from lauter.student.model import SpeechModel
from lauter.student.speak import EMPTY, INVALID, Student


@pytest.fixture(scope="module")
def codec_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(scope="module")
def folder(codec_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_taught_student(tmp_path_factory.mktemp("student") / "student", codec_folder)


@pytest.fixture(scope="module")
def codec(codec_folder: Path) -> Codec:
    return open_codec(codec_folder)


@pytest.fixture(scope="module")
def student(folder: Path, codec_folder: Path) -> StudentSpeaks:
    greedy = Sampling(temperature=0)
    return StudentSpeaks(Student.open(folder, codec=codec_folder, sampling=greedy))


def asking(text: str, speaker: str = SPEAKER, **more: Any) -> Item:
    prompt = Prompt(text, "en", "en-US", speaker=speaker)
    return Item(Request(prompt, "nobody", "", 0).identified(), **more)


TOO_LONG = asking("word " * 200)


def test_what_it_has_learnt_it_says_under_its_own_name(student: StudentSpeaks) -> None:
    spoken = student.speak([asking(text) for text in TAUGHT])
    assert [one.failure for one in spoken] == [None, None]
    lengths = [len(one.samples) for one in spoken if one.samples is not None]
    assert lengths == [2880 * len(codes) // 5 for codes in TAUGHT.values()]
    assert all(one.seconds and one.sample_rate == 24_000 for one in spoken)


def test_a_voice_that_it_does_not_know_is_cloned_from_its_reference(student: StudentSpeaks) -> None:
    stranger = asking("one", "stranger", reference=items()[0].reference)
    (spoken,) = student.speak([stranger])
    (own,) = student.speak([asking("one")])
    assert spoken.samples is not None and own.samples is not None
    assert len(spoken.samples) == len(own.samples)
    assert not np.array_equal(spoken.samples, own.samples)


def test_a_student_that_has_learnt_to_goes_on_from_the_recordings_of_a_list(
    codec: Codec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Ids] = []
    answer, said = speak.generate, some_codes(4, 9)

    def listening(model: SpeechModel, prompts: Sequence[Ids], *rest: Any, **more: Any) -> Any:
        asked.extend(prompts)
        return answer(model, prompts, *rest, **more)

    monkeypatch.setattr(speak, "generate", listening)
    # The recogniser takes seconds; what it would hear in a tone is no matter here.
    monkeypatch.setattr(Codec, "encode", lambda *given: [said])
    tone = (0.3 * np.sin(np.arange(16_000) / 20)).astype(np.float32)
    (tmp_path / "a.wav").write_bytes(encode_flac(tone, 16_000))
    (tmp_path / "meta.lst").write_text("x|We met.|a.wav|one\n")
    facts = {"reference_turns": True, "speakers": [SPEAKER], "timbres": {SPEAKER: TIMBRE}}
    going_on = StudentSpeaks(Student(taught_model(), facts, codec, sampling=Sampling(max_codes=9)))
    (listed,) = items_of_list(tmp_path / "meta.lst", "en")
    going_on.speak([listed])
    going_on.speak([asking("one", "stranger", recording=listed.reference)])
    turn, alone = asked
    shown = Reference("We met.", said)
    tokens = ByteTokenizer()
    assert np.array_equal(turn, speech_prompt(tokens, COMPACT, "one", system="", reference=shown))
    # There the only recording is that of the text itself: to go on from it would be no test.
    assert np.array_equal(alone, speech_prompt(tokens, COMPACT, "one", system=SPEAKER))


def test_a_text_that_is_too_long_fails_alone(folder: Path, codec_folder: Path) -> None:
    student = StudentSpeaks(Student.open(folder, codec=codec_folder))
    with pytest.raises(UsageError, match="cut it into sentences"):
        student.speak([TOO_LONG, TOO_LONG])  # nothing can be said at all: tell why
    spoken = student.speak([TOO_LONG, asking("one")])
    assert spoken[0].failure == REFUSED and spoken[0].samples is None
    assert spoken[1].samples is not None
    assert student.speak([TOO_LONG])[0].failure == REFUSED


def test_a_text_is_spoken_the_same_way_whatever_else_is_evaluated(
    folder: Path, codec_folder: Path
) -> None:
    student = StudentSpeaks(Student.open(folder, codec=codec_folder), seed=5)
    alone, beside = student.speak([asking("two")]), student.speak([asking("one"), asking("two")])
    assert alone[0].samples is not None and beside[1].samples is not None
    assert np.allclose(alone[0].samples, beside[1].samples, atol=1e-4)


def test_resynthesis_keeps_the_length_and_takes_its_share_of_the_time(codec: Codec) -> None:
    spoken = Resynthesis(codec).speak([items()[0], replace(items()[1], recording=None)])
    assert spoken[0].samples is not None and items()[0].recording is not None
    assert abs(len(spoken[0].samples) / 24_000 - items()[0].recording.duration_s) < 0.13
    assert spoken[0].seconds and spoken[0].failure is None
    assert spoken[1].failure == EMPTY and spoken[1].samples is None


def test_a_recording_without_a_voice_takes_no_other_along(codec: Codec) -> None:
    mute = Clip.of(np.zeros(24_000, np.float32), 24_000)
    short = Clip.of(np.full(4_800, 0.1, np.float32), 24_000)
    one, other = items()[0], items()[1]
    asked = [replace(one, reference=mute), replace(one, recording=short, reference=None), other]
    found = Resynthesis(codec).speak(asked)
    assert [answer.failure for answer in found] == [NO_VOICE, NO_VOICE, None]
    assert found[2].samples is not None


def test_one_stream_that_cannot_be_decoded_takes_no_other_along(codec: Codec) -> None:
    good: Codes = TAUGHT["one"]
    recording = items()[0].recording
    assert recording is not None
    timbre = codec.timbre(recording.samples, recording.sample_rate)
    bad = good[::-1].copy()
    found = decoded_each(codec, [good, bad, good[:0]], [timbre] * 3, 0)
    assert not isinstance(found[0], str) and len(found[0]) == 2880 * len(good) // 5
    assert found[1:] == [INVALID, EMPTY]


def test_systems_come_with_their_fingerprints(folder: Path, codec_folder: Path) -> None:
    options: dict[str, Any] = {"device": "cpu", "seed": 0, "batch_size": 4}
    systems, prints = open_systems(str(folder), str(codec_folder), resynthesise=True, **options)
    assert [system.name for system in systems] == ["resynthesis", "student"]
    assert prints == {
        "student": student_fingerprint(folder), "codec": open_codec(codec_folder).fingerprint
    }  # fmt: skip
    systems, prints = open_systems(None, str(codec_folder), resynthesise=True, **options)
    assert [system.name for system in systems] == ["resynthesis"] and "student" not in prints


def test_a_device_is_named_or_refused() -> None:
    assert "thread" in device_name("cpu")
    with pytest.raises(UsageError, match=r"evaluate\.device=abacus cannot be used"):
        device_name("abacus")


def test_a_codec_of_other_codes_is_refused_before_the_training(
    codec_folder: Path, tmp_path: Path
) -> None:
    export = coded_export(tmp_path / "export", 10)
    with pytest.raises(UsageError, match=r"export speaks the codes of the codec codec-1, and this"):
        make_speak_evaluation(export, codec=codec_folder)
    ours = coded_export(tmp_path / "ours", 10, codecs=(open_codec(codec_folder).fingerprint,))
    assert callable(make_speak_evaluation(ours, codec=codec_folder))


@pytest.mark.slow
def test_a_model_in_training_is_measured_by_what_it_says(
    codec_folder: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(
        "lauter.pipelines.speaking_evaluation.items_of_export",
        lambda folder, *, split, count: list(items()[1 : 1 + count]),
    )
    measure = SpeakEvaluation("export", count=1, codec=codec_folder)
    figures = measure(taught_model(), ByteTokenizer())
    assert set(figures) <= {"cer", "wer", "speaker_similarity", "failed"}
    assert figures["cer"] > 0.3 and figures["failed"] in (0.0, 1.0)
    assert measure(taught_model(), ByteTokenizer()) == figures
