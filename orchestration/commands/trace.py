"""`lauter trace FILE`: where a sound file comes from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.errors import UsageError
from lauter.datasets.holdings import CorpusHolding, Holding, holdings_in
from lauter.datasets.location import location_of
from lauter.datasets.mark_columns import IMPORTED
from lauter.datasets.marking import Marks
from lauter.filters.near_duplicates import SOUND_ALIKE
from lauter.pipelines.trace import Find, Likeness, Trace, ancestors, manner, trace, verdict

_TOLD = 300
"""So many characters of a text are shown."""


def run(settings: DictConfig, console: Console) -> int:
    """Say what the mark says, and show the row that the file came from."""
    options = settings.trace
    if options.file is None:
        raise UsageError("no file is named; write `lauter trace clip.flac`")
    file = Path(options.file)
    holdings, unreadable = holdings_in(location_of(options.within))
    try:
        found = trace(file.read_bytes(), holdings)
    except UsageError as error:
        raise UsageError(f"{file} cannot be traced: {error}") from error
    for sentence in unreadable:
        console.print(f"left out: {sentence}")
    _print_mark(console, file, found.marks)
    if found.finds:
        _print_find(console, file, found, holdings)
        return 0
    sentence = _not_found(found, options.within, len(holdings))
    if found.marks is None:
        raise UsageError(f"{file} bears no mark, and {sentence}")
    console.print(sentence)
    return 0


def _not_found(found: Trace, within: str, looked_in: int) -> str:
    nearest = "" if found.nearest is None else (
        f" (the nearest sound print agrees to {found.nearest:.2f}; that of the same recording "
        f"does to {SOUND_ALIKE:g} and more)"
    )  # fmt: skip
    if found.is_too_short:
        nearest = " (it is too short to be known by its sound: that takes about a second)"
    elif found.without_prints:
        nearest += f" ({found.without_prints} of them have no sound prints to be compared)"
    wanted = "its sound" if found.marks is None else "its request or its sound"
    where = f"none of the {looked_in} corpora and exports" if looked_in else "no corpus or export"
    return f"{where} in {within} has {wanted}{nearest}; look elsewhere with trace.within=…"


def _print_mark(console: Console, file: Path, marks: Marks | None) -> None:
    if marks is None:
        return
    console.print(f"{file} bears a mark:")
    _print_facts(
        console,
        [
            ("synthetic", str(marks.synthetic)),
            ("request", marks.request_id),
            ("teacher", f"{marks.teacher} ({marks.teacher_fingerprint})"),
            ("voice", f"{marks.voice or 'not named'}, licence {marks.voice_licence}"),
            ("licence of the text", marks.text_licence),
            ("corpus", marks.corpus),
            ("release", marks.release),
        ],
    )


def _print_find(console: Console, file: Path, found: Trace, holdings: list[Holding]) -> None:
    first, *others = found.finds
    console.print(f"{_kind(first)} {first.holding.place} has it: {_likeness(first, found.marks)}")
    _print_facts(console, _facts(first, holdings))
    if first.likeness is Likeness.ANOTHER:
        console.print(
            f"the sound of {file} is not the one that this request was answered with: "
            "the file was changed, or the mark is another's"
        )
    for other in others:
        console.print(
            f"{_kind(other)} {other.holding.place} has it too, as {other.row['request_id']}: "
            f"{_likeness(other, found.marks)}"
        )


def _kind(find: Find) -> str:
    return "the corpus" if isinstance(find.holding, CorpusHolding) else "the export"


def _likeness(find: Find, marks: Marks | None) -> str:
    told = find.likeness.value
    if find.agreement is not None:
        told += f", which agrees to {find.agreement:.2f}"
    by_mark = marks is not None and marks.request_id == find.row["request_id"]
    return f"{told} (found by the mark)" if by_mark else told


def _facts(find: Find, holdings: list[Holding]) -> list[tuple[str, str]]:
    row = find.row
    licence = row["text_licence"] or "not stated"
    facts = [
        ("request", row["request_id"]),
        ("text", row["text"][:_TOLD] + ("…" if len(row["text"]) > _TOLD else "")),
        ("text from", f"{row['text_source'] or 'not stated'}, licence {licence}"),
        ("language", f"{row['language']}, {row['dialect']}"),
        ("manner", manner(row)),
        ("voice", f"{row['speaker']}, {_leave(find)}"),
        ("teacher", f"{row['teacher']} ({row['teacher_fingerprint']}), seed {row['seed']}"),
        ("audio", _origin(row)),
        ("verdict", _verdict(find)),
        ("place", ", ".join(str(row[name]) for name in ("split", "shard") if row.get(name))),
    ]
    for number, ancestor in enumerate(ancestors(row, holdings)):
        there = manner(ancestor) if "emotion" in ancestor else "which is not here"
        told = f"{ancestor['request_id']}, {there}"
        facts.append(("which is from" if number else "edited from", told))
    return facts


def _leave(find: Find) -> str:
    """Return under which licence and consent a row's voice stands."""
    row = find.row
    if isinstance(find.holding, CorpusHolding):
        for voice in find.holding.corpus.voices().drop_columns(["reference_audio"]).to_pylist():
            if (voice["speaker"], voice["dialect"]) == (row["speaker"], row["dialect"]):
                return f"licence {voice['licence']}, consent: {voice['consent']}"
    return f"licence {row.get('voice_licence') or 'not stated'}"


def _origin(row: dict[str, Any]) -> str:
    if row["teacher"] == IMPORTED:
        synthetic = row.get("synthetic") or "unknown"
        origin = f"imported from '{row['text_source']}', synthetic: {synthetic}"
    else:
        origin = f"spoken by the teacher '{row['teacher']}'"
        if row.get("codec_fingerprint"):
            origin += f", codes of the codec {row['codec_fingerprint'][:12]}"
    if row["duration_s"] is None:
        return f"{origin}; without sound: {row.get('error')}"
    return f"{origin}; {row['duration_s']:.2f} s at {row['sample_rate']} Hz"


def _verdict(find: Find) -> str:
    policy, accepted, failed = verdict(find)
    under = f" under the policy '{policy}'" if policy else ""
    if accepted is None:
        return f"not judged{under}"
    if accepted:
        return f"accepted{under}"
    gates = "; ".join(f"{gate['gate']} ({gate['reason']})" for gate in failed)
    return f"rejected{under}: {gates}"


def _print_facts(console: Console, facts: Sequence[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in facts:
        if value:
            table.add_row(f"  {name}", value)
    console.print(table)
