"""Giving a corpus its codes: every spoken row that has none of this codec's, a batch at a time.

A row that cannot be encoded takes no other along: it stays without codes and is named by its
request. What is amiss with the sound itself (damaged, silent, too short) is kept in
``codec_error``, and this codec is not asked again; what went wrong in the codec is not kept, so
that the next run tries once more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.codes import GROUP_MS, Codes
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_writer import CorpusWriter
from lauter.datasets.errors import UsageError
from lauter.datasets.records import CODEC_ERROR_FIELD, CODEC_FIELD, UTTERANCE_SCHEMA

QUIETEST: Final = 1e-3
"""A sound whose loudest sample is below this (-60 dB of full scale) is silent."""

_BATCH = 32
_ROWS_PER_COMMIT = 2048
_KEPT_FIELDS = [pa.field("request_id", pa.string()), UTTERANCE_SCHEMA.field("codes"), CODEC_FIELD]


class Encoder(Protocol):
    """The part of a codec that encoding needs."""

    fingerprint: str

    def encode(self, clips: list[Samples], sample_rates: list[int]) -> list[Codes]:
        """Return the codes of each clip."""
        ...


@dataclass(frozen=True)
class Encoded:
    """What came of an encoding: how many rows have codes now, and by request why others have none.

    ``unfit`` is amiss with the sound, and not tried again by this codec; ``failed`` went wrong in
    the codec, and is.
    """

    rows: int = 0
    unfit: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def encode_corpus(
    corpus: Corpus,
    writer: CorpusWriter,
    codec: Encoder,
    *,
    on_start: Callable[[int], None],
    on_batch: Callable[[pa.RecordBatch], None],
) -> Encoded:
    """Encode what this codec has not encoded yet, and say what came of it.

    What was encoded until an error or Ctrl-C is kept; a killed run loses what it encoded since the
    last commit. Codes of another codec are replaced, and a teacher's answers to them go with them.
    A codec that fails on each of several clips fails for a reason of its own, which is raised.
    """
    pending = [
        name for batch in _pending(corpus, codec) for name in batch["request_id"].to_pylist()
    ]
    on_start(len(pending))
    unfit: dict[str, str] = {}
    failed: dict[str, str] = {}
    fresh: list[dict[str, Any]] = []
    try:
        for start in range(0, len(pending), _BATCH):
            ids = pending[start : start + _BATCH]
            rows = corpus.take(ids, ["request_id", "audio", "duration_s"]).combine_chunks()
            clips: dict[str, Clip] = {}
            for name, audio in zip(ids, rows["audio"].to_pylist(), strict=True):
                # A row without audio has nothing in it, as an empty one has.
                clip = Clip(audio or b"")
                if why := unfit_for_codes(clip):
                    unfit[name] = why
                    fresh.append(_row(name, codec, error=why))
                else:
                    clips[name] = clip
            for name, found in zip(clips, _answers(codec, list(clips.values())), strict=True):
                if isinstance(found, Exception):
                    failed[name] = f"{type(found).__name__}: {found}"
                else:
                    fresh.append(_row(name, codec, found))
            if len(fresh) >= _ROWS_PER_COMMIT:
                full, fresh = fresh, []
                _put(writer, full)
            on_batch(rows.to_batches()[0])
    finally:
        _put(writer, fresh)
    return Encoded(len(pending) - len(unfit) - len(failed), unfit, failed)


def unfit_for_codes(clip: Clip) -> str | None:
    """Return why there is nothing to encode in a recording; None where there is something."""
    try:
        samples = clip.samples
    except UsageError as error:
        return str(error)
    if (length_ms := clip.duration_s * 1000) < GROUP_MS:
        return f"it lasts {length_ms:.0f} ms, less than one group of codes ({GROUP_MS} ms)"
    if float(np.abs(samples).max()) < QUIETEST:
        return "it is silent"
    return None


def left_without_codes(corpus: Corpus, codec: Encoder) -> int:
    """Return how many utterances of a corpus this codec found nothing to encode in."""
    if CODEC_ERROR_FIELD.name not in corpus.schema.names:
        return 0
    ours = f"{CODEC_FIELD.name} = '{codec.fingerprint}'"
    return corpus.count(f"{CODEC_ERROR_FIELD.name} IS NOT NULL AND {ours}")


def _pending(corpus: Corpus, codec: Encoder) -> Iterator[pa.RecordBatch]:
    known = CODEC_FIELD.name in corpus.schema.names
    other = f" AND ({CODEC_FIELD.name} IS NULL OR {CODEC_FIELD.name} != '{codec.fingerprint}')"
    where = "error_kind IS NULL" + (other if known else "")
    return corpus.scan(["request_id"], where=where, batch_size=8192)


def _answers(codec: Encoder, clips: Sequence[Clip]) -> list[Codes | Exception]:
    """Return each clip's codes, or the error that came of it alone."""
    if not clips:
        return []
    try:
        found = codec.encode([clip.samples for clip in clips], [clip.sample_rate for clip in clips])
        return list(found)
    except Exception as error:
        if len(clips) == 1:
            return [error]
        alone = [_answers(codec, [clip])[0] for clip in clips]
        if all(isinstance(one, Exception) for one in alone):
            raise
        return alone


def _row(
    name: str, codec: Encoder, codes: Codes | None = None, *, error: str | None = None
) -> dict[str, Any]:
    return {
        "request_id": name,
        "codes": None if codes is None else codes.tolist(),
        CODEC_FIELD.name: codec.fingerprint,
        CODEC_ERROR_FIELD.name: error,
    }


def _put(writer: CorpusWriter, fresh: list[dict[str, Any]]) -> None:
    if fresh:
        # The column of errors comes with the first error.
        any_error = any(row[CODEC_ERROR_FIELD.name] for row in fresh)
        fields = [*_KEPT_FIELDS, *([CODEC_ERROR_FIELD] if any_error else [])]
        writer.put_codes(pa.Table.from_pylist(fresh, pa.schema(fields)))
