"""Erasing a voice: its sound, codes and figures go from a corpus for good, its rows stay.

A row of the voice becomes a failure that says why, with what was asked and what it cost, so that
the account is whole and nothing is asked again. Earlier versions of the corpus would still have the
sound, and so would its tags: both are given up, and files that held it are written anew. Verdicts
tell figures of the voice as well: those of its rows go, until the corpus is judged again.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import lance
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_layout import (
    UTTERANCES,
    VERDICTS,
    VOICES,
    WITHDRAWN,
    has_state,
    plainly,
)
from lauter.datasets.corpus_writer import CorpusWriter
from lauter.datasets.location import lance_options
from lauter.datasets.records import DECODE_FIELD, REQUEST_SCHEMA, SERVER_ATTEMPTS_FIELD
from lauter.datasets.voices import VOICE_SCHEMA

_KEPT: Final = (
    *REQUEST_SCHEMA.names, "attempts", "wall_s", "device_s", SERVER_ATTEMPTS_FIELD.name,
    DECODE_FIELD.name, "scorer_seconds",
)  # fmt: skip
_ROWS: Final = 1024


def erase_speakers(
    corpus: Corpus, writer: CorpusWriter, speakers: Collection[str], reason: str
) -> tuple[int, list[str]]:
    """Erase the voices of ``speakers``; return how many rows, and the tags that were given up.

    ``reason`` is the sentence that stands in their rows. Somebody who reads an earlier version
    meanwhile will find files missing.
    """
    wanted = pa.array(sorted(speakers), pa.string())
    columns = [name for name in corpus.schema.names if name in _KEPT]
    # A row whose decoding failed has no sound, and codes that could be decoded again.
    heard = "error_kind IS NULL OR codes IS NOT NULL"
    erased = 0
    for batch in list(corpus.scan(columns, where=heard, batch_size=_ROWS)):
        rows = batch.filter(pc.is_in(batch["speaker"], value_set=wanted))
        if not rows.num_rows:
            continue
        for name, told in (("error_kind", WITHDRAWN), ("error", reason)):
            rows = rows.append_column(name, pa.array([told] * rows.num_rows, pa.string()))
        writer.append(rows, replacing=True)
        erased += rows.num_rows
    writer.flush()
    voices = corpus.voices()
    silent = voices.filter(pc.is_in(voices["speaker"], value_set=wanted))
    for name in ("reference_text", "reference_audio"):
        field = VOICE_SCHEMA.field(name)
        place = silent.schema.get_field_index(name)
        silent = silent.set_column(place, field, pa.nulls(len(silent), field.type))
    writer.put_voices(silent)
    writer.flush()
    tags = sorted(corpus.tags())
    options = lance_options(corpus.path)
    gone = [
        request_id
        for ids in corpus.scan(["request_id", "speaker"], where=f"error_kind = '{WITHDRAWN}'")
        for request_id in ids.filter(pc.is_in(ids["speaker"], value_set=wanted))["request_id"]
    ]
    with plainly(corpus.path, "written"):
        verdicts = [f"{VERDICTS}/{digest}.lance" for digest in corpus.policies()]
        for folder in verdicts if gone else ():
            judged = lance.dataset(str(corpus.path / folder), storage_options=options)
            delete = judged.merge_insert("request_id").when_matched_delete()
            delete.execute(pa.table({"request_id": pa.array(gone, pa.string())}))
        for folder in (UTTERANCES, VOICES, *verdicts):
            if has_state(corpus.path / folder):
                _forget(str(corpus.path / folder), options)
    corpus.refresh()
    return erased, tags


def _forget(uri: str, options: dict[str, str] | None) -> None:
    """Leave nothing of a dataset but the rows of its newest version."""
    dataset = lance.dataset(uri, storage_options=options)
    for tag in dataset.tags.list():
        dataset.tags.delete(tag)
    # Rows that were replaced lie in their files until these are written anew.
    dataset.optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
    newest = lance.dataset(uri, storage_options=options)
    newest.cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)
