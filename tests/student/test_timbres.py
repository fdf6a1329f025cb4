"""A voice's timbre is the mean of its neutral utterances in the export."""

from pathlib import Path

import numpy as np
import pytest
import torch
from coded_export import SOMEONE, coded_export
from taught_student import SPEAKER, write_taught_student, write_untrained_codec

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.datasets.loader import SpeechLoader
from lauter.student import timbres
from lauter.student.checkpoint import read_facts
from lauter.student.codec.codec import Codec, open_codec
from lauter.student.timbres import add_timbres, as_timbre, mean_timbre, timbres_of


@pytest.fixture(scope="module")
def codec_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(scope="module")
def codec(codec_folder: Path) -> Codec:
    return open_codec(codec_folder)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heard") / "export"
    return coded_export(folder, 24, valid=0.0, least_samples=16_000 - 10)


def noise(seed: int) -> Clip:
    draw = np.random.default_rng(seed)
    return Clip.of((0.1 * draw.standard_normal(24_000)).astype(np.float32), 24_000)


def test_the_timbre_of_one_recording_is_the_codecs(codec: Codec) -> None:
    stored = mean_timbre(codec, [noise(1)])
    expected = codec.timbre(noise(1).samples, 24_000).vector
    torch.testing.assert_close(as_timbre(stored).vector, expected, atol=1e-5, rtol=0)


def test_the_timbre_of_several_is_their_mean_of_length_one(codec: Codec) -> None:
    clips = [noise(1), noise(2), noise(3)]
    mean = torch.stack([codec.timbre(clip.samples, 24_000).vector for clip in clips]).mean(0)
    stored = as_timbre(mean_timbre(codec, clips)).vector
    torch.testing.assert_close(stored, mean / mean.norm(), atol=1e-5, rtol=0)


def test_a_voice_without_recordings_has_no_timbre(codec: Codec) -> None:
    with pytest.raises(UsageError, match="at least one recording"):
        mean_timbre(codec, [])


def test_the_first_neutral_utterances_of_a_second_or_more_are_heard(
    export: Path, codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Clip] = []
    monkeypatch.setattr(timbres, "mean_timbre", lambda codec, clips: heard.extend(clips) or [1.0])
    found = timbres_of(export, codec, [SOMEONE.speaker, "nobody"])
    assert found == {SOMEONE.speaker: [1.0]}
    loader = SpeechLoader(export, batch_size=1, shuffle=False, rank=0, world=1)
    expected = [
        sample.clip.duration_s
        for (sample,), _ in loader
        if sample.record["emotion"] == "neutral" and sample.clip.duration_s >= 1.0
    ]
    assert len(expected) > 5
    assert [clip.duration_s for clip in heard] == expected[:5]


def test_a_student_brings_the_timbres_it_was_given(
    export: Path, codec_folder: Path, tmp_path: Path
) -> None:
    student = write_taught_student(tmp_path / "student", codec_folder, speakers=["someone"])
    assert add_timbres(student, export, codec_folder) == 1
    facts = read_facts(student)
    assert list(facts["timbres"]) == ["someone"] and len(facts["timbres"]["someone"]) == 128
    assert facts["speakers"] == ["someone"]


@pytest.mark.parametrize("heard_by", ["this decoder", "another"])
def test_timbres_from_before_stay_where_the_same_decoder_heard_them(
    codec: Codec, export: Path, codec_folder: Path, tmp_path: Path, heard_by: str
) -> None:
    same = heard_by == "this decoder"
    told = {
        "speakers": [SPEAKER, "someone"],
        "timbre_fingerprint": codec.timbre_fingerprint() if same else heard_by,
    }
    student = write_taught_student(tmp_path / "student", codec_folder, **told)
    add_timbres(student, export, codec_folder)
    kept = {SPEAKER} if same else set()
    assert set(read_facts(student)["timbres"]) == {"someone"} | kept


def test_only_the_split_that_was_learnt_from_is_listened_to(
    codec_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = coded_export(tmp_path / "export", 24, valid=0.5, least_samples=16_000)
    heard: list[float] = []
    monkeypatch.setattr(
        timbres, "mean_timbre", lambda _, clips: heard.extend(c.duration_s for c in clips) or [1.0]
    )
    for split in ("valid", "train"):
        student = write_taught_student(tmp_path / split, codec_folder, speakers=["someone"])
        add_timbres(student, export, codec_folder, split=split)
        loader = SpeechLoader(export, split=split, batch_size=1, shuffle=False, rank=0, world=1)
        there = {sample.clip.duration_s for (sample,), _ in loader}
        assert heard and set(heard) <= there
        heard.clear()


def test_timbres_of_another_codec_are_told(
    export: Path, codec_folder: Path, tmp_path: Path
) -> None:
    student = write_taught_student(tmp_path / "student", codec_folder, codec_fingerprint="0ther")
    with pytest.raises(UsageError, match="speaks the codes of the codec 0ther, and this one is"):
        add_timbres(student, export, codec_folder)
    assert list(read_facts(student)["timbres"]) == [SPEAKER]
