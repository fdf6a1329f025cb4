"""A damaged recording fails alone: it says which scorers could not read it, and is not accepted."""

from functools import partial

import pyarrow as pa
import pytest
from canned_utterances import utterances
from studio_clips import studio_clips

from lauter.filters.duration import DurationScorer
from lauter.filters.gates import judge
from lauter.filters.level import LevelScorer
from lauter.filters.mos import MosScorer
from lauter.filters.policy import load_policy
from lauter.filters.prosody import ProsodyScorer
from lauter.filters.sound import SoundScorer
from lauter.filters.speaker import SpeakerScorer
from lauter.filters.vad import VadScorer
from lauter.pipelines.score import Score

SCORERS = (
    LevelScorer, VadScorer, DurationScorer, SoundScorer, SpeakerScorer, MosScorer, ProsodyScorer,
)  # fmt: skip


def scored(recordings: list[bytes]) -> pa.RecordBatch:
    batch = utterances(range(len(recordings)))
    audio = batch.schema.get_field_index("audio")
    batch = batch.set_column(
        audio, batch.schema.field(audio), pa.array(recordings, pa.large_binary())
    )
    return Score(tuple(partial(scorer) for scorer in SCORERS)).open()(batch)


@pytest.fixture(scope="module")
def flac() -> bytes:
    return studio_clips()[0].clip.encoded


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda flac: flac[: len(flac) // 3], "the audio"),
        (lambda flac: b"no audio at all", "cannot be decoded"),
        (lambda flac: b"", "cannot be decoded"),
    ],
    ids=["cut off", "no audio", "empty"],
)
def test_a_damaged_recording_fails_alone(damage, told: str, flac: bytes) -> None:  # type: ignore[no-untyped-def]
    other = studio_clips()[1].clip.encoded
    rows = scored([flac, damage(flac), other])
    first, damaged, last = rows.to_pylist()
    assert {error["scorer"] for error in damaged["score_errors"]} == {one.name for one in SCORERS}
    assert all(told in error["error"] for error in damaged["score_errors"])
    assert first["score_errors"] == last["score_errors"] == []
    assert first["speech_s"] > 1.0 < last["speech_s"]
    verdicts = judge(pa.Table.from_batches([rows]), load_policy("default")).to_pylist()
    (failed, *_) = verdicts[1]["failed_gates"]
    assert failed["gate"] == "measured"
    assert told in failed["reason"]
    assert "measured" not in {gate["gate"] for gate in verdicts[0]["failed_gates"]}
