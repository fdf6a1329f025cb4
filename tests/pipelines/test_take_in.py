"""The importing stage gives the same rows as importing in one pass, on planned requests."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from lauter.datasets.imports import (
    IMPORTED_SCHEMA,
    PLANNED_SCHEMA,
    Origin,
    Recording,
    requests_from,
    utterances_from,
)
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.stage import Pipeline
from lauter.pipelines.take_in import TakeIn


@dataclass(frozen=True)
class Tones:
    """Twenty tones, of which every fifth is cut off."""

    path: str = "twenty tones"
    origin: Origin = field(default_factory=lambda: Origin(dialect="en-US"))

    def __iter__(self) -> Iterator[Recording]:
        for number in range(20):
            buffer = io.BytesIO()
            tone = 0.3 * np.sin(np.arange(4000) / (10 + number))
            soundfile.write(buffer, tone, 16000, format="WAV", subtype="PCM_16")
            end = 2000 if number % 5 == 4 else None
            yield Recording(f"{number}", f"Tone {number}.", audio=buffer.getvalue()[:end])


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_planned_import_gives_the_same_rows_as_one_pass(workers: int) -> None:
    def plain(table: pa.Table) -> list[dict[str, object]]:
        return table.drop_columns("wall_s").sort_by("request_id").to_pylist()

    directly = pa.Table.from_batches(utterances_from(Tones()))
    planned = pa.Table.from_batches(requests_from(Tones()))
    engine = InlineEngine(workers=workers)
    finished = engine.run(Pipeline(PLANNED_SCHEMA, (TakeIn(threads=2),)), planned)
    rows = pa.Table.from_batches(finished).select(IMPORTED_SCHEMA.names)
    assert rows.schema == IMPORTED_SCHEMA
    assert plain(rows) == plain(directly)
    assert rows["error"].null_count == 16
