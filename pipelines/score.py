"""The scoring stage: each scorer in turn adds its columns, cheap ones first.

Rows without audio are not scored. After a scorer whose figure fails a gate marked ``stop``, the
dearer ones are not asked about that row; which gate it was is kept in ``stopped_by``. A scorer
that fails on a batch is asked again row by row; where it fails again its columns stay null and
the row says so in ``score_errors``, so that no verdict mistakes *failed* for *not applicable*.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pyarrow as pa

from lauter.datasets.audio import Clip
from lauter.datasets.lineage import EDIT_FIELD
from lauter.datasets.records import REQUEST_SCHEMA, SCORING_FIELDS, described, requests_of
from lauter.datasets.voices import VOICE_SCHEMA
from lauter.filters.gates import Stop
from lauter.filters.protocol import Sample, Scorer
from lauter.pipelines.stage import BatchFunction, Resources

ScorerFactory = Callable[[], Scorer]

CARRIED_COLUMNS = (
    "duration_s", "transcript", EDIT_FIELD.name, "voice_over_rest_db", "song_voice_similarity",
    "notes", "transposition_st", "beats_per_minute", "first_beat_s",
)  # fmt: skip
"""Columns of an utterance that scorers and gates may read like earlier figures, where they are
there."""


@dataclass(frozen=True)
class Score:
    """Adds ``SCORING_FIELDS`` and, for each scorer, its columns and its fingerprint.

    ``references`` is a table of ``VOICE_SCHEMA``: neutral speech of each speaker.
    """

    open_scorers: tuple[ScorerFactory, ...]
    references: pa.Table = field(default_factory=VOICE_SCHEMA.empty_table)
    stops: tuple[Stop, ...] = ()
    resources: Resources = field(default_factory=Resources)
    name: str = "score"

    @property
    def reads(self) -> Sequence[str]:
        """Requests and their audio."""
        return (*REQUEST_SCHEMA.names, "audio", "duration_s", "error_kind")

    @property
    def adds(self) -> pa.Schema:
        """Columns of all scorers, known without loading a model."""
        return pa.schema([*SCORING_FIELDS, *score_fields(self.open_scorers)])

    def open(self) -> BatchFunction:
        """Open the scorers and return the function that scores batches."""
        scorers = [open_scorer() for open_scorer in self.open_scorers]
        references = {
            (row["speaker"], row["dialect"]): (Clip(row["reference_audio"]), row["reference_text"])
            for row in self.references.to_pylist()
            if row["reference_audio"]
        }
        added_schema = self.adds

        def score(batch: pa.RecordBatch) -> pa.RecordBatch:
            rows = _score_rows(batch, scorers, references, self.stops)
            try:
                added = pa.RecordBatch.from_pylist(rows, schema=added_schema)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                rows = [_without_misfits(row, scorers) for row in rows]
                added = pa.RecordBatch.from_pylist(rows, schema=added_schema)
            kept = [name for name in batch.schema.names if name not in added_schema.names]
            batch = batch.select(kept)
            return pa.RecordBatch.from_arrays(
                [*batch.columns, *added.columns], schema=pa.schema([*batch.schema, *added_schema])
            )

        return score


def score_fields(open_scorers: Iterable[ScorerFactory]) -> list[pa.Field]:
    """Return the columns that scorers add: their own, and a fingerprint for each scorer."""
    added: list[pa.Field] = []
    for open_scorer in open_scorers:
        scorer = _described_by(open_scorer)
        added.extend(scorer.fields)
        added.append(fingerprint_field(scorer.name))
    return added


def fingerprint_field(scorer: str) -> pa.Field:
    """Return the column that tells which version of a scorer gave the figures."""
    return described(f"{scorer}_fingerprint", pa.string(), f"Fingerprint of the scorer '{scorer}'")


def _described_by(open_scorer: ScorerFactory) -> Any:
    """Return what carries ``name`` and ``fields``: the class where there is one, else a scorer."""
    made_by = open_scorer.func if isinstance(open_scorer, partial) else open_scorer
    return made_by if hasattr(made_by, "fields") else open_scorer()


def _score_rows(
    batch: pa.RecordBatch,
    scorers: Sequence[Scorer],
    references: Mapping[tuple[str, str], tuple[Clip, str | None]],
    stops: Sequence[Stop],
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in range(batch.num_rows)]
    samples: dict[int, Sample] = {}
    carried = [name for name in CARRIED_COLUMNS if name in batch.schema.names]
    audio = batch["audio"]
    for position, (request, known) in enumerate(
        zip(requests_of(batch), batch.select(carried).to_pylist(), strict=True)
    ):
        if not audio[position].is_valid:
            continue
        rows[position] = {"score_errors": [], "scorer_seconds": []}
        reference, reference_text = references.get(
            (request.prompt.speaker, request.prompt.dialect), (None, None)
        )
        samples[position] = Sample(
            request,
            Clip(audio[position].as_py()),
            reference,
            {name: value for name, value in known.items() if value is not None},
            reference_text,
        )
    for scorer in scorers:
        if not samples:
            break
        _apply(scorer, samples, rows)
        for position, sample in list(samples.items()):
            stopped_by = next((s.gate for s in stops if s.fails(sample)), None)
            if stopped_by:
                rows[position]["stopped_by"] = stopped_by
                del samples[position]
    return rows


def _apply(scorer: Scorer, samples: dict[int, Sample], rows: list[dict[str, Any]]) -> None:
    """Ask one scorer about all samples; write its figures into rows and samples."""
    started = time.perf_counter()
    positions = list(samples)
    answers = _answers(scorer, list(samples.values()))
    seconds = (time.perf_counter() - started) / len(positions)
    fingerprint = scorer.fingerprint()
    declared = {field.name for field in scorer.fields}
    for position, answer in zip(positions, answers, strict=True):
        row = rows[position]
        row["scorer_seconds"].append({"scorer": scorer.name, "seconds": seconds})
        if not isinstance(answer, Exception) and (others := answer.keys() - declared):
            answer = ValueError(f"it gave {', '.join(sorted(others))}, which it does not declare")
        if isinstance(answer, Exception):
            error = f"{type(answer).__name__}: {answer}"
            row["score_errors"].append({"scorer": scorer.name, "error": error})
            continue
        row.update(answer)
        row[f"{scorer.name}_fingerprint"] = fingerprint
        sample = samples[position]
        samples[position] = replace(sample, scores={**sample.scores, **answer})


def _answers(scorer: Scorer, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
    try:
        answers = scorer.score(samples)
        if len(answers) != len(samples):
            raise ValueError(f"it gave {len(answers)} answers to {len(samples)} utterances")
        return answers
    except Exception as error:
        if len(samples) == 1:
            return [error]
        return [_answers(scorer, [sample])[0] for sample in samples]


def _without_misfits(row: dict[str, Any], scorers: Sequence[Scorer]) -> dict[str, Any]:
    """Return a row in which figures that do not fit their columns are errors of their scorer."""
    kept = dict(row)
    for scorer in scorers:
        for column in scorer.fields:
            try:
                pa.scalar(kept.get(column.name), column.type)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                figure = kept.pop(column.name)
                error = f"TypeError: its {column.name} is {figure!r}, which is no {column.type}"
                found = {"scorer": scorer.name, "error": error}
                kept["score_errors"] = [*kept["score_errors"], found]
    return kept
