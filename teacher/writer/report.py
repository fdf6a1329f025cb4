"""The report of a run: what was asked, what came, what was wrong, how varied it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lauter.datasets.tags import Language
from lauter.teacher.writer.balance import evenness
from lauter.teacher.writer.faults import ADVICE
from lauter.teacher.writer.gather import Row, Tally
from lauter.teacher.writer.metrics import Metrics, measure
from lauter.teacher.writer.protocol import Writer
from lauter.teacher.writer.task import Wanted


@dataclass(frozen=True, slots=True)
class Part:
    """The texts of one language or dialect and one emotion, whatever their level."""

    dialect: str
    emotion: str
    asked: int
    written: int
    topics: float
    """Evenness over topics, 0 to 1."""
    genres: float
    """Evenness over genres, 0 to 1."""
    metrics: Metrics | None
    """None where nothing was written."""


def parts_of(wanted: Mapping[Wanted, int], rows: Sequence[Row]) -> list[Part]:
    """Return the parts of a set, in the order in which they were wanted."""
    asked: dict[tuple[Language, str, str], int] = {}
    for one, count in wanted.items():
        cell = one.language, one.dialect, one.emotion.value
        asked[cell] = asked.get(cell, 0) + count
    return [_part(cell, count, rows) for cell, count in asked.items()]


def _part(cell: tuple[Language, str, str], asked: int, rows: Iterable[Row]) -> Part:
    language, dialect, emotion = cell
    own = [
        row
        for row in rows
        if (row["language"], row["dialect"], row["emotion"]) == (language.value, dialect, emotion)
    ]
    return Part(
        dialect or language.value,
        emotion,
        asked,
        len(own),
        evenness(row["topic"] for row in own),
        evenness(row["genre"] for row in own),
        measure([row["text"] for row in own], language, dialect) if own else None,
    )


def missing_of(wanted: Mapping[Wanted, int], rows: Iterable[Row]) -> dict[Wanted, int]:
    """Return how many texts did not come, of each that was wanted."""
    left = dict(wanted)
    for row in rows:
        one = Wanted(row["language"], row["dialect"], row["emotion"], row["emotion_level"])
        left[one] -= 1
    return {one: count for one, count in left.items() if count > 0}


def sentences_of(tally: Tally) -> list[str]:
    """Return one sentence for each kind of fault that occurred, the most frequent first."""
    return [
        f"{kind.value}: {count} {'time' if count == 1 else 'times'}; {ADVICE[kind]}"
        for kind, count in tally.faults.most_common()
    ]


def report_of(
    writer: Writer, wanted: Mapping[Wanted, int], rows: Sequence[Row], tally: Tally
) -> dict[str, Any]:
    """Return the report as JSON has it."""
    return {
        "writer": writer.name,
        "licence": writer.licence,
        "templates": {str(one): writer.template(one) for one in wanted},
        "asked": sum(wanted.values()),
        "written": len(rows),
        "missing": {str(one): count for one, count in missing_of(wanted, rows).items()},
        "duplicates_dropped": tally.duplicates,
        "refused": {kind.value: count for kind, count in tally.faults.most_common()},
        "asks": tally.asks,
        "paid_asks": tally.paid,
        "cached_asks": tally.cached,
        "prompt_tokens": tally.prompt_tokens,
        "completion_tokens": tally.completion_tokens,
        "parts": [asdict(part) for part in parts_of(wanted, rows)],
        "sentences": sentences_of(tally),
    }
