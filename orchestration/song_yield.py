"""How many lines of songs are left after each step of the harvest, by group of songs.

A line is counted out at the first step one of whose gates it fails; what it fails later is not
counted twice. The published figure beside ours is Step-Audio's, of hours of recorded music found
somewhere (arXiv 2502.11946, section 5.1.1); songs made by ourselves are kinder material.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from lauter.datasets.corpus import Corpus
from lauter.orchestration.audit.intervals import Share

SONG = "song"
"""The column that stands in corpora of songs."""
PUBLISHED_SHARE = 0.178
ASKED = "asked"
_STEPS: Mapping[str, frozenset[str]] = {
    "lyrics": frozenset({"error_kind", "score_errors"}),
    "separated": frozenset({"voice_over_rest_db"}),
    "VAD": frozenset({"speech_s", "speech_ratio", "duration_s", "pace"}),
    "CER": frozenset({"asr_language_probability", "cer", "wer", "syllable_error_rate"}),
    "one voice": frozenset({"song_voice_similarity"}),
    "noise": frozenset({"mos", "mos_signal", "mos_background"}),
    "pitch, beat": frozenset({"pitch_accuracy", "raw_pitch_accuracy", "beat_alignment"}),
}
"""The scores that each step's gates read, in the order of the steps."""
STEPS = (ASKED, *_STEPS, "all gates")


@dataclass(frozen=True)
class SongYield:
    """Lines left after each of ``STEPS``, by group; seconds of speech in all and accepted."""

    left: Mapping[str, Mapping[str, int]]
    spoken_s: float
    accepted_s: float

    def kept(self, group: str) -> Share:
        """Return which share of a group's lines passed all steps."""
        return Share(self.left[group][STEPS[-1]], self.left[group][ASKED])


ALL = "all"


def song_yield(corpus: Corpus) -> SongYield:
    """Count a corpus of songs under its latest policy."""
    columns = ["song_group", "style", "duration_s"]
    batches = corpus.scan_judged([*columns, SONG])
    return yield_of(row for batch in batches for row in batch.to_pylist() if row[SONG] is not None)


def yield_of(rows: Iterable[Mapping[str, Any]]) -> SongYield:
    """Count rows with ``song_group``, ``style``, ``duration_s``, ``accepted``, ``failed_gates``."""
    left: dict[str, Counter[str]] = {ALL: Counter()}
    spoken_s = accepted_s = 0.0
    for row in rows:
        spoken_s += row["duration_s"] or 0.0
        accepted_s += (row["duration_s"] or 0.0) if row["accepted"] else 0.0
        group = f"{row['style']}, {row['song_group']}" if row["song_group"] else row["style"]
        reached = _reached(row["failed_gates"] or ())
        for counted in (ALL, group):
            left.setdefault(counted, Counter()).update(STEPS[: reached + 1])
    return SongYield(left, spoken_s, accepted_s)


def _reached(failed_gates: Iterable[Mapping[str, Any]]) -> int:
    """Return the place in ``STEPS`` of the last step that a line got through."""
    places = list(_STEPS.values())
    missed = [
        next((place for place, scores in enumerate(places) if gate["score"] in scores), len(places))
        for gate in failed_gates
    ]
    return min(missed, default=len(STEPS) - 1)


def print_song_yield(console: Console, found: SongYield) -> None:
    """Print the lines left after each step, and the share kept with its 95 % interval."""
    title = "Lines of songs left after each step"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("songs", no_wrap=True)
    for heading in (*STEPS[:-1], "kept", "share", "95 %"):
        table.add_column(heading, justify="right")
    for group in (*sorted(set(found.left) - {ALL}), ALL):
        share = found.kept(group)
        low, high = share.interval
        left = [str(found.left[group][step]) for step in STEPS]
        table.add_row(group, *left, f"{share.rate:.0%}", f"{100 * low:.0f}–{high:.0%}")
    console.print(table)
    of_time = found.accepted_s / found.spoken_s if found.spoken_s else 0.0
    console.print(
        f"of the cut lines' time {of_time:.1%} was kept; Step-Audio kept {PUBLISHED_SHARE:.1%} of "
        "more than 10,000 hours of recorded music"
    )
