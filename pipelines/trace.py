"""From a lone sound file back to the row that it came from.

Three ways, the surest first: by the request that its mark names; by its digest, of the file's own
bytes or of its samples encoded as the corpus does (so that a WAV made of a FLAC is found); by its
sound print, which bears resampling, gain and lossy codecs. A mark is only what a file says of
itself, so the sound is held against the row that the mark names as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from lauter.datasets.audio import Clip, audio_digest, encode_flac, open_audio, read_samples
from lauter.datasets.flac_comments import is_flac
from lauter.datasets.holdings import CorpusHolding, Holding
from lauter.datasets.marking import Marks, marks_of, unmarked
from lauter.datasets.records import REQUEST_SCHEMA
from lauter.filters.near_duplicates import MIN_FRAMES, SOUND_ALIKE
from lauter.filters.sound import SAMPLE_RATE, Print, sound_print
from lauter.pipelines.sound_search import PRINT, likenesses

PARENT: Final = "parent_id"
"""The request that an utterance was edited from; a column of corpora that have edits."""
_SHOWN: Final = (
    *REQUEST_SCHEMA.names, "audio_digest", "sample_rate", "duration_s", "codec_fingerprint",
    "error", "synthetic", "voice_licence", "release", "split", "shard", PARENT, PRINT,
)  # fmt: skip


class Likeness(Enum):
    """How the sound of a file is that of a row."""

    BYTES = "the same file"
    SAMPLES = "the same samples"
    PRINT = "the same recording by its sound print"
    ANOTHER = "another sound"
    UNKNOWN = "not compared"


@dataclass(frozen=True, slots=True)
class Find:
    """A row, where it stands, and how its sound is like the file's.

    ``agreement`` is that of the prints, where these decided: 1 the same bits, about 0 by chance.
    """

    holding: Holding
    row: dict[str, Any]
    likeness: Likeness
    agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of a file: its mark and the rows found.

    Where these are none, ``nearest`` is how far the most similar print agreed, and
    ``without_prints`` counts the corpora and exports that have none to be compared;
    ``is_too_short`` where the file's own print says nothing.
    """

    marks: Marks | None
    finds: tuple[Find, ...]
    nearest: float | None = None
    without_prints: int = 0
    is_too_short: bool = False


@dataclass(frozen=True, eq=False)
class _Heard:
    """A file: its digests as bytes (if it is FLAC) and as samples, and its print."""

    bytes_digest: str
    samples_digest: str
    print: Print

    def likeness(self, place: Holding, row: dict[str, Any]) -> tuple[Likeness, float | None]:
        if row.get("audio_digest") == self.bytes_digest:
            return Likeness.BYTES, None
        if row.get("audio_digest") == self.samples_digest:
            return Likeness.SAMPLES, None
        frames = row.get(PRINT) or _print_of(place, row["request_id"])
        if frames is None:
            return Likeness.UNKNOWN, None
        agreement = _agreement(self.print, frames)
        is_same = agreement is not None and agreement >= SOUND_ALIKE
        return Likeness.PRINT if is_same else Likeness.ANOTHER, agreement


def trace(encoded: bytes, holdings: Sequence[Holding]) -> Trace:
    """Return where an encoded sound comes from.

    Rows come corpora first, as ``holdings`` do. Raises ``UsageError`` for what is no sound.
    """
    heard = _heard(encoded)
    marks = marks_of(encoded)
    if marks and (rows := list(_rows(holdings, "request_id", marks.request_id))):
        return Trace(
            marks, tuple(Find(place, row, *heard.likeness(place, row)) for place, row in rows)
        )
    for digest, likeness in (
        *([(heard.bytes_digest, Likeness.BYTES)] if heard.bytes_digest else []),
        (heard.samples_digest, Likeness.SAMPLES),
    ):
        if rows := list(_rows(holdings, "audio_digest", digest)):
            return Trace(marks, tuple(Find(place, row, likeness) for place, row in rows))
    return _by_sound(heard, marks, holdings)


def ancestors(row: dict[str, Any], holdings: Sequence[Holding]) -> Iterator[dict[str, Any]]:
    """Yield what a row was edited from, then what that was, to the speech at the beginning."""
    seen = {row["request_id"]}
    while (parent := row.get(PARENT)) and parent not in seen:
        seen.add(parent)
        found = next(_rows(holdings, "request_id", parent), None)
        if found is None:
            yield {"request_id": parent}
            return
        row = found[1]
        yield row


def verdict(find: Find) -> tuple[str, bool | None, list[dict[str, Any]]]:
    """Return the policy's name, whether it accepted a row, and the gates that the row failed.

    None: it was not judged. What an export holds was accepted, unless its record says otherwise.
    """
    if not isinstance(find.holding, CorpusHolding):
        return "", find.row.get("accepted", True), find.row.get("failed_gates") or []
    corpus = find.holding.corpus
    policies = corpus.policies()
    if not policies:
        return "", None, []
    verdicts = corpus.verdicts(policies[-1])
    at = verdicts["request_id"].index(find.row["request_id"]).as_py()
    if at < 0:
        return corpus.policy_name(policies[-1]), None, []
    (judged,) = verdicts.slice(at, 1).to_pylist()
    return corpus.policy_name(policies[-1]), judged["accepted"], judged["failed_gates"]


def manner(row: dict[str, Any]) -> str:
    """Return how a row was asked to be said, in words."""
    level, speed = row["emotion_level"], row["speed_level"]
    parts = [f"{row['emotion']} {level}" if level else row["emotion"], row["style"]]
    return ", ".join([*parts, *([f"speed {speed:+d}"] if speed else [])])


def _heard(encoded: bytes) -> _Heard:
    with open_audio(encoded) as file:
        rate, samples = int(file.samplerate), read_samples(file)
    plain = unmarked(encoded)
    clip = Clip(encode_flac(samples, rate))
    digest = audio_digest(clip.encoded)
    return _Heard(
        audio_digest(plain) if is_flac(plain) else "",
        digest,
        sound_print(clip.at(SAMPLE_RATE)),
    )


def _rows(
    holdings: Sequence[Holding], column: str, value: str
) -> Iterator[tuple[Holding, dict[str, Any]]]:
    for place in holdings:
        columns = place.columns
        if column not in columns:
            continue
        shown = [name for name in (*_SHOWN, "accepted", "failed_gates") if name in columns]
        for batch in place.scan(shown, (column, value)):
            yield from ((place, row) for row in batch.to_pylist())


def _print_of(place: Holding, request_id: str) -> list[int] | None:
    """Take the print of a row of a corpus that has none: its audio is at hand there."""
    if not isinstance(place, CorpusHolding):
        return None
    (audio,) = place.corpus.take([request_id], ["audio"])["audio"].to_pylist()
    return None if audio is None else sound_print(Clip(audio).at(SAMPLE_RATE)).tolist()


def _agreement(wanted: Print, frames: list[int]) -> float | None:
    (found,) = likenesses(wanted, pa.array([frames], pa.list_(pa.uint32())))
    return None if np.isnan(found) else float(found)


def _by_sound(heard: _Heard, marks: Marks | None, holdings: Sequence[Holding]) -> Trace:
    """Return the row of each holding that sounds most like the file, if it is like enough."""
    finds: list[Find] = []
    nearest, without_prints = None, 0
    for place in holdings:
        if PRINT not in place.columns:
            without_prints += 1
            continue
        best, best_id = -np.inf, ""
        for batch in place.scan(["request_id", PRINT]):
            found = likenesses(heard.print, batch[PRINT])
            if not np.isnan(found).all() and np.nanmax(found) > best:
                at = int(np.nanargmax(found))
                best, best_id = float(found[at]), batch["request_id"][at].as_py()
        if best_id:
            nearest = best if nearest is None else max(nearest, best)
        if best >= SOUND_ALIKE:
            row = next(_rows([place], "request_id", best_id))[1]
            finds.append(Find(place, row, Likeness.PRINT, best))
    is_too_short = len(heard.print) < MIN_FRAMES
    return Trace(marks, tuple(finds), nearest, without_prints, is_too_short)
