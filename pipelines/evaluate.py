"""Evaluation: systems say the same texts, and the scorers of the house measure them all alike.

Texts go through in batches: each system says the batch, then each is scored, so what is in memory
is a batch of audio and what is kept of each utterance. No utterance is ever left out because it
failed: one without an end, or without sound, counts with all of its characters deleted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa

from lauter.datasets.audio import Clip
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.records import REQUEST_FIELDS, UTTERANCE_SCHEMA, Prompt
from lauter.datasets.tags import Language
from lauter.filters.normalisation import NORMALISED_LANGUAGES, normalise
from lauter.pipelines.evaluation_items import Item, voices_of
from lauter.pipelines.evaluation_systems import Spoken, System, encoded
from lauter.pipelines.score import Score, ScorerFactory, score_fields
from lauter.student.heard import heard_fault
from lauter.student.speak import EMPTY

_NEEDED: Final = ("asr", "error_rate")
"""Scorers without which there is nothing to evaluate."""
_INPUT = pa.schema(
    [
        *REQUEST_FIELDS,
        *(UTTERANCE_SCHEMA.field(name) for name in ("audio", "duration_s", "error_kind")),
    ]
)


@dataclass(frozen=True, eq=False)
class Measured:
    """One text said by one system.

    ``failure`` is the system's own word for why this is no answer, ``fault`` what was heard to be
    wrong with the whole (truncated, repeated). ``edits`` of ``characters`` make the CER,
    ``word_edits`` of ``words`` the WER; both words are 0 where words are not counted.
    ``applicable`` is False where the recogniser does not know the dialect. ``figures`` are the
    scorers' numbers by column.
    """

    item: Item
    clip: Clip | None
    duration_s: float | None
    seconds: float | None
    failure: str | None
    fault: str | None
    edits: int
    characters: int
    word_edits: int
    words: int
    applicable: bool
    transcript: str | None
    figures: Mapping[str, float]

    @property
    def cer(self) -> float:
        """Character error rate of this utterance alone."""
        return self.edits / max(1, self.characters)


@dataclass(frozen=True)
class Evaluation:
    """What each system made of each text, in the order of the texts; and who measured it."""

    systems: Mapping[str, list[Measured]]
    scorers: Mapping[str, str]
    """Fingerprints by scorer."""
    score_errors: Mapping[str, str] = field(default_factory=dict)
    """Scorers that failed on some utterance, and the first error of each."""


def evaluate(
    items: Sequence[Item],
    systems: Sequence[System],
    open_scorers: Sequence[ScorerFactory],
    *,
    batch_size: int = 8,
    on_texts: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Let every system say every text and measure what came.

    ``on_texts`` is told how many of how many texts are done. Raises ``UsageError`` without texts
    or without a recogniser among the scorers, and ``LauterError`` where that fails: an error rate
    that was not measured is neither good nor bad.
    """
    _check(items, open_scorers)
    score = Score(tuple(open_scorers), voices_of(items)).open()
    found: dict[str, list[Measured]] = {system.name: [] for system in systems}
    scorers: dict[str, str] = {}
    errors: dict[str, str] = {}
    for start in range(0, len(items), batch_size):
        batch = items[start : start + batch_size]
        for system in systems:
            spoken = system.speak(batch)
            clips = [encoded(one) for one in spoken]
            rows = score(_batch_of(batch, clips)).to_pylist()
            for row in rows:
                _note(row, scorers, errors)
            found[system.name] += map(_measured, batch, spoken, clips, rows)
        if on_texts:
            on_texts(min(start + batch_size, len(items)), len(items))
    return Evaluation(_without_unheard(found), scorers, errors)


def _check(items: Sequence[Item], open_scorers: Sequence[ScorerFactory]) -> None:
    if not items:
        raise UsageError("there are no texts to evaluate on; set evaluate.count above 0")
    columns = {column.name for column in score_fields(open_scorers)}
    missing = [name for name in _NEEDED if f"{name}_fingerprint" not in columns]
    if missing:
        raise UsageError(
            f"the filters have no scorer '{missing[0]}', without which no error rate is measured; "
            "set filters=default"
        )


def _batch_of(items: Sequence[Item], clips: Sequence[Clip | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [
            item.row
            | {
                "audio": clip.encoded if clip else None,
                "duration_s": clip.duration_s if clip else None,
                "error_kind": None if clip else "failed",
            }
            for item, clip in zip(items, clips, strict=True)
        ],
        schema=_INPUT,
    )


def _note(row: Mapping[str, Any], scorers: dict[str, str], errors: dict[str, str]) -> None:
    """Keep who measured a row, and who could not; raises where that was the recogniser."""
    for name, value in row.items():
        if value and name.endswith("_fingerprint") and name != "teacher_fingerprint":
            scorers[name.removesuffix("_fingerprint")] = value
    for failed in row["score_errors"] or []:
        if failed["scorer"] in _NEEDED:
            raise LauterError(
                f"the scorer '{failed['scorer']}' failed on \"{row['text']}\": {failed['error']}; "
                "nothing can be said of error rates that were not measured"
            )
        errors.setdefault(failed["scorer"], failed["error"])


def _measured(item: Item, spoken: Spoken, clip: Clip | None, row: Mapping[str, Any]) -> Measured:
    prompt = item.request.prompt
    known = prompt.language in NORMALISED_LANGUAGES
    asked = normalise(prompt.text, prompt.language).strip() if known else ""
    words = len(asked.split()) if prompt.language == Language.ENGLISH else 0
    failure = spoken.failure or (EMPTY if clip is None else None)
    edits, word_edits = _edits(row, len(asked), words)
    if failure:
        # Never better than what was heard of it.
        edits, word_edits = max(edits, len(asked)), max(word_edits, words)
    return Measured(
        item=item,
        # A fresh one: whoever measured this one left its samples in it, and a set has many.
        clip=Clip(clip.encoded) if clip else None,
        duration_s=clip.duration_s if clip else None,
        seconds=spoken.seconds,
        failure=failure,
        fault=_fault(prompt, asked, row["transcript"]) if known else None,
        edits=edits,
        characters=len(asked),
        word_edits=word_edits,
        words=words,
        applicable=bool(asked) and (clip is None or row["cer"] is not None),
        transcript=row["transcript"],
        figures={name: v for name, v in row.items() if isinstance(v, float) and v == v},
    )


def _edits(row: Mapping[str, Any], characters: int, words: int) -> tuple[int, int]:
    """Return the edits that make up a row's rates; all is lost where nothing was heard."""
    if row["cer"] is None:
        return characters, words
    return round(row["cer"] * characters), round((row["wer"] or 0.0) * words)


def _fault(prompt: Prompt, asked: str, transcript: str | None) -> str | None:
    if transcript is None:
        return None
    heard = normalise(transcript, prompt.language)
    if prompt.language == Language.ENGLISH:
        return heard_fault(asked.split(), heard.split())
    return heard_fault(list(asked), list(heard))


def _without_unheard(found: Mapping[str, list[Measured]]) -> dict[str, list[Measured]]:
    """Mark the texts that the recogniser may not judge, which shows where there was speech.

    A text counts for all systems or for none, so that all are measured on the same.
    """
    judged = [
        all(one.applicable for one in of_text) for of_text in zip(*found.values(), strict=True)
    ]
    return {
        name: [
            replace(one, applicable=is_judged)
            for one, is_judged in zip(measured, judged, strict=True)
        ]
        for name, measured in found.items()
    }
