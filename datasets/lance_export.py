"""Export as one Lance dataset that needs nothing else: audio, records, splits."""

from collections.abc import Callable, Iterator, Mapping

import lance
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.card import data_card
from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.edit_pairs import check_codes, write_edit_pairs
from lauter.datasets.exported import CARD, SPEECH, VOICES_FILE, ExportSummary
from lauter.datasets.exported_voices import voices_json
from lauter.datasets.location import Location, lance_options, location_of
from lauter.datasets.marked_rows import marked_batches
from lauter.datasets.records import described
from lauter.datasets.selection import select
from lauter.datasets.whole_export import whole_export

SPLIT = described("split", pa.string(), "The part of the export it belongs to", nullable=False)


def export_lance(
    corpus: Corpus,
    folder: str | Location,
    *,
    policy: str | None = None,
    seed: int = 0,
    accepted: bool | None = True,
    splits: Mapping[str, float] | None = None,
    split_by: str = "text",
    overwrite: bool = False,
    edit_pairs: bool = False,
    leave: Leave | None = None,
    on_sample: Callable[[int, int], None] | None = None,
) -> ExportSummary:
    """Write the accepted rows of ``corpus`` into ``folder/speech.lance``, with their audio.

    Rows, order and settings are those of ``export_webdataset``; each split's rows lie together.
    """
    target = location_of(folder)
    options = lance_options(target)
    with whole_export(target, overwrite=overwrite) as begin:
        selection = select(
            corpus,
            policy=policy,
            seed=seed,
            accepted=accepted,
            splits=splits,
            split_by=split_by,
            leave=leave,
        )
        if edit_pairs:
            check_codes(selection)  # before what is overwritten goes
        hidden = begin()
        schema = pa.schema([SPLIT, corpus.schema.field("audio"), *selection.fields])
        written, audio_bytes, duration_s = 0, 0, 0.0
        failures: list[BaseException] = []

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal written, audio_bytes, duration_s
            for split in selection.splits:
                for batch in marked_batches(selection, split):
                    written += batch.num_rows
                    audio_bytes += pc.sum(pc.binary_length(batch["audio"])).as_py()
                    duration_s += pc.sum(batch["duration_s"]).as_py()
                    if on_sample:
                        on_sample(written, len(selection.rows))
                    split_column = pa.repeat(split, batch.num_rows)
                    yield pa.RecordBatch.from_arrays([split_column, *batch.columns], schema=schema)

        reader = pa.RecordBatchReader.from_batches(schema, _noting(failures, batches()))
        try:
            lance.write_dataset(reader, str(hidden / SPEECH), storage_options=options)
        except OSError:
            # Lance wraps what went wrong on our side of the reader, be it only Ctrl-C.
            if failures:
                raise failures[0] from None
            raise
        summary = ExportSummary(
            target, written, 0, audio_bytes, duration_s, selection.splits,
            left_out=dict(selection.tally.left_out),
            edit_pairs=write_edit_pairs(hidden, selection.splits) if edit_pairs else {},
        )  # fmt: skip
        (hidden / VOICES_FILE).write_text(voices_json(selection), encoding="utf-8")
        (hidden / CARD).write_text(data_card(selection, summary), encoding="utf-8")
    return summary


def _noting(
    failures: list[BaseException], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Yield ``batches`` and keep the exception that ends them."""
    try:
        yield from batches
    except (Exception, KeyboardInterrupt) as error:
        failures.append(error)
        raise
