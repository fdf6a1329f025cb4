"""Codes become sound in a stage of their own; what cannot be decoded takes no other along."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scripted_requests import scripted_requests
from taught_student import (
    SPEAKER,
    some_codes,
    write_taught_student,
    write_untrained_codec,
)

from lauter.datasets.audio import Clip, Samples, encode_flac
from lauter.datasets.errors import UsageError
from lauter.datasets.records import REQUEST_SCHEMA, SPEECH_FIELDS
from lauter.pipelines.codec_decoder import CodecDecoder
from lauter.pipelines.decode import Decode, Spoken
from lauter.student.codec.codec import open_codec

SPEECH = pa.schema(SPEECH_FIELDS)


def batch_of(rows: Sequence[dict[str, object]], speaker: str = SPEAKER) -> pa.RecordBatch:
    requests = scripted_requests([f"text {number}" for number in range(len(rows))])
    speakers = pa.repeat(speaker, len(rows))
    requests = requests.set_column(
        REQUEST_SCHEMA.get_field_index("speaker"), REQUEST_SCHEMA.field("speaker"), speakers
    )
    plain = {"attempts": 1, "wall_s": 0.0, "device_s": 0.0}
    speech = pa.Table.from_pylist([plain | row for row in rows], schema=SPEECH)
    for name in speech.column_names:
        requests = requests.append_column(SPEECH.field(name), speech[name])
    (batch,) = requests.combine_chunks().to_batches()
    return batch


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained_codec(tmp_path_factory.mktemp("codec"))


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory, codec: Path) -> Path:
    return write_taught_student(tmp_path_factory.mktemp("student") / "student", codec)


def decoded(codec: Path, student: Path, rows: Sequence[dict[str, object]], **more: object):
    stage = Decode(partial(CodecDecoder, str(codec), (str(student),)))
    out = stage.open()(batch_of(rows, **more))
    assert {"codec_fingerprint", "decode_s"} <= set(out.schema.names)
    return out.to_pylist()


def test_codes_become_sound_of_their_length(codec: Path, student: Path) -> None:
    rows = decoded(codec, student, [{"codes": some_codes(n, n)} for n in (3, 7)])
    for row, groups in zip(rows, (3, 7), strict=True):
        clip = Clip(row["audio"])
        assert clip.duration_s == row["duration_s"] == pytest.approx(groups * 0.12)
        assert clip.sample_rate == row["sample_rate"] == 24_000
        assert row["codec_fingerprint"] == open_codec(codec).fingerprint
        assert row["decode_s"] > 0
        assert row["error_kind"] is None


def test_what_has_sound_or_an_error_is_left_as_it_is(codec: Path, student: Path) -> None:
    flac = encode_flac(np.zeros(100, np.float32), 8000)
    there, failed = decoded(
        codec,
        student,
        [
            {"audio": flac, "sample_rate": 8000, "duration_s": 0.0125, "codes": some_codes(3, 1)},
            {"error_kind": "invalid", "error": "no speech", "codes": [1, 2]},
        ],
    )
    assert there["audio"] == flac and there["decode_s"] is None
    assert failed["error"] == "no speech" and failed["codes"] == [1, 2]
    assert failed["audio"] is None


def test_invalid_codes_are_an_error_of_their_row_which_keeps_them(
    codec: Path, student: Path
) -> None:
    bad, good = decoded(codec, student, [{"codes": [5, 5, 5]}, {"codes": some_codes(4, 1)}])
    assert bad["error_kind"] == "invalid" and "position 2" in bad["error"]
    assert bad["codes"] == [5, 5, 5]
    assert good["audio"]


def test_a_voice_of_which_nobody_has_a_recording_is_an_error_with_a_sentence(
    codec: Path, student: Path
) -> None:
    (row,) = decoded(codec, student, [{"codes": some_codes(4, 1)}], speaker="nobody")
    assert row["error_kind"] == "failed"
    assert "nothing says how the voice 'nobody' sounds" in row["error"]


def test_a_recording_lends_its_timbre(codec: Path, tmp_path: Path) -> None:
    file = tmp_path / "bob.flac"
    noise = np.random.default_rng(0).standard_normal(24_000).astype(np.float32) * 0.1
    file.write_bytes(encode_flac(noise, 24_000))
    stage = Decode(partial(CodecDecoder, str(codec), recordings={"bob": str(file)}))
    (row,) = stage.open()(batch_of([{"codes": some_codes(4, 1)}], "bob")).to_pylist()
    assert row["audio"]


def test_codes_of_another_codec_are_refused(codec: Path) -> None:
    stage = Decode(partial(CodecDecoder, str(codec), expected=frozenset({"f00"})))
    with pytest.raises(UsageError, match=r"the codec f00.*name the folder of its own codec"):
        stage.open()


class HalfDeaf:
    """Falls over at some codes, and takes their batch along: what no codec of ours does."""

    sample_rate = 8000
    fingerprint = "half"

    def decode(self, spoken: Sequence[Spoken]) -> list[Samples]:
        if any(len(one.codes) == 20 for one in spoken):
            raise RuntimeError("out of memory")
        return [np.zeros(len(one.codes), np.float32) for one in spoken]


class Mute(HalfDeaf):
    """Gives no sound where there are five groups."""

    def decode(self, spoken: Sequence[Spoken]) -> list[Samples]:
        return [np.zeros(0 if len(one.codes) == 25 else 800, np.float32) for one in spoken]


def test_a_sound_that_cannot_be_written_is_an_error_of_its_row() -> None:
    rows = [{"codes": some_codes(groups, 1)} for groups in (3, 5)]
    good, bad = Decode(Mute).open()(batch_of(rows)).to_pylist()
    assert good["audio"]
    assert bad["error_kind"] == "failed" and bad["audio"] is None and bad["codes"]


def test_a_row_at_which_the_decoder_falls_over_takes_no_other_along() -> None:
    rows = [{"codes": some_codes(groups, 1)} for groups in (3, 4, 5)]
    good, bad, fine = Decode(HalfDeaf).open()(batch_of(rows)).to_pylist()
    assert good["audio"] and fine["audio"]
    assert bad["error"] == "RuntimeError: out of memory"
