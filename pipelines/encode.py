"""Giving a corpus its codes: every spoken row that has none of this codec's, a batch at a time."""

from collections.abc import Callable, Iterator
from typing import Protocol

import pyarrow as pa

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.codes import Codes
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_writer import CorpusWriter
from lauter.datasets.records import CODEC_FIELD, UTTERANCE_SCHEMA

_BATCH = 32
_ROWS_PER_COMMIT = 2048


class Encoder(Protocol):
    """The part of a codec that encoding needs."""

    fingerprint: str

    def encode(self, clips: list[Samples], sample_rates: list[int]) -> list[Codes]:
        """Return the codes of each clip."""
        ...


def encode_corpus(
    corpus: Corpus,
    writer: CorpusWriter,
    codec: Encoder,
    *,
    on_start: Callable[[int], None],
    on_batch: Callable[[pa.RecordBatch], None],
) -> int:
    """Encode what this codec has not encoded yet; return how many rows that were.

    What was encoded until an error or Ctrl-C is kept; a killed run loses what it encoded since the
    last commit. Codes of another codec are replaced, and a teacher's answers to them go with them.
    """
    pending = [
        name for batch in _pending(corpus, codec) for name in batch["request_id"].to_pylist()
    ]
    on_start(len(pending))
    fresh: list[dict[str, object]] = []
    try:
        for start in range(0, len(pending), _BATCH):
            ids = pending[start : start + _BATCH]
            rows = corpus.take(ids, ["request_id", "audio", "duration_s"]).combine_chunks()
            clips = [Clip(audio) for audio in rows["audio"].to_pylist()]
            codes = codec.encode(
                [clip.samples for clip in clips], [clip.sample_rate for clip in clips]
            )
            fresh += [
                {"request_id": name, "codes": found.tolist(), CODEC_FIELD.name: codec.fingerprint}
                for name, found in zip(ids, codes, strict=True)
            ]
            if len(fresh) >= _ROWS_PER_COMMIT:
                full, fresh = fresh, []
                _put(writer, full)
            on_batch(rows.to_batches()[0])
    finally:
        _put(writer, fresh)
    return len(pending)


def _pending(corpus: Corpus, codec: Encoder) -> Iterator[pa.RecordBatch]:
    known = CODEC_FIELD.name in corpus.schema.names
    other = f" AND ({CODEC_FIELD.name} IS NULL OR {CODEC_FIELD.name} != '{codec.fingerprint}')"
    where = "error_kind IS NULL" + (other if known else "")
    return corpus.scan(["request_id"], where=where, batch_size=8192)


def _put(writer: CorpusWriter, fresh: list[dict[str, object]]) -> None:
    if fresh:
        fields = [
            pa.field("request_id", pa.string()),
            UTTERANCE_SCHEMA.field("codes"),
            CODEC_FIELD,
        ]
        writer.put_codes(pa.Table.from_pylist(fresh, pa.schema(fields)))
