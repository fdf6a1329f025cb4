"""Edits of what a corpus has: its speech goes through an edit and comes back as speech of its own.

Each is a request like any other: what it says and how, by an editor, with a seed that is taken from
the utterance that it edits, so the same edit of the same speech is the same request and is never
made twice. The stage takes the parent's sound from the corpus itself, by its id.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import pyarrow as pa

from lauter.datasets.audio import Clip, audio_digest, encode_flac
from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.lineage import EDIT_FIELD, EDITOR, PARENT_FIELD, UNDONE, Derivation
from lauter.datasets.location import Location
from lauter.datasets.mark_columns import IMPORTED, SYNTHETIC_FIELD
from lauter.datasets.marking import Synthetic
from lauter.datasets.records import SPEECH_FIELDS, Prompt, Request, requests_of
from lauter.datasets.voices import voices_of
from lauter.filters.gates import stopping_gates
from lauter.filters.policy import Policy
from lauter.pipelines.ancestry import PLANNED_SCHEMA
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.first_rows import checked
from lauter.pipelines.judge import judge_corpus
from lauter.pipelines.score import Score, ScorerFactory
from lauter.pipelines.stage import BatchFunction, Pipeline, Resources
from lauter.teacher.edit.derive import applies, derived, derived_prompt, fingerprint

_PROMPT: Final = tuple(one.name for one in fields(Prompt))
_TAKEN: Final = ("audio", "teacher", *_PROMPT)


@dataclass(frozen=True)
class Derive:
    """Adds ``SPEECH_FIELDS``: the parent's speech in ``corpus``, edited; and who has spoken it."""

    corpus: Location
    resources: Resources = field(default_factory=Resources)
    name: str = "derive"

    @property
    def reads(self) -> Sequence[str]:
        """A request, its parent and its edit."""
        return tuple(PLANNED_SCHEMA.names)

    @property
    def adds(self) -> pa.Schema:
        """The edited speech, or the error that came instead; whether a machine has spoken it."""
        return pa.schema([*SPEECH_FIELDS, SYNTHETIC_FIELD])

    def open(self) -> BatchFunction:
        """Open the corpus and return the function that edits batches."""
        corpus = Corpus.open(self.corpus)
        told = [SYNTHETIC_FIELD.name] if SYNTHETIC_FIELD.name in corpus.schema.names else []
        taken = [*_TAKEN, *told]

        def derive(batch: pa.RecordBatch) -> pa.RecordBatch:
            parents = corpus.take(batch[PARENT_FIELD.name].to_pylist(), taken).to_pylist()
            rows = [
                _edited(request, parent, Derivation(edit))
                for request, parent, edit in zip(
                    requests_of(batch), parents, batch[EDIT_FIELD.name].to_pylist(), strict=True
                )
            ]
            added = pa.RecordBatch.from_pylist(rows, schema=self.adds)
            schema = pa.schema([*batch.schema, *self.adds])
            return pa.RecordBatch.from_arrays([*batch.columns, *added.columns], schema=schema)

        return derive


def _edited(request: Request, parent: dict[str, Any], derivation: Derivation) -> dict[str, Any]:
    started, worked = time.perf_counter(), time.thread_time()
    row: dict[str, Any] = dict.fromkeys(one.name for one in SPEECH_FIELDS)
    try:
        clip = Clip(parent["audio"])
        asked = Prompt(*(parent[name] for name in _PROMPT))
        samples = derived(clip.samples, clip.sample_rate, asked, derivation, request.seed)
        row["audio"] = encode_flac(samples, clip.sample_rate)
        row["audio_digest"] = audio_digest(row["audio"])
        row["sample_rate"] = clip.sample_rate
        row["duration_s"] = len(samples) / clip.sample_rate
    except Exception as error:
        row |= {"error_kind": "failed", "error": f"{type(error).__name__}: {error}"}
    row[SYNTHETIC_FIELD.name] = _synthetic(parent)
    row["attempts"] = 1
    row["wall_s"] = time.perf_counter() - started
    row["device_s"] = time.thread_time() - worked
    return row


def _synthetic(parent: Mapping[str, Any]) -> str | None:
    """Return whether a machine has spoken what came from elsewhere; None: our teachers did."""
    told: str | None = parent.get(SYNTHETIC_FIELD.name)
    return told or (Synthetic.UNKNOWN.value if parent["teacher"] == IMPORTED else None)


def derive(
    corpus: Corpus,
    derivations: Sequence[Derivation],
    *,
    seed: int,
    where: str | None,
    open_scorers: tuple[ScorerFactory, ...],
    policy: Policy,
    engine: Engine,
    scoring: Resources,
    leave: Leave | None = None,
    on_start: Callable[[int], None] = lambda pending: None,
    on_batch: Callable[[pa.RecordBatch], None] = lambda batch: None,
) -> int:
    """Edit the accepted speech of ``corpus`` in each way that applies to it, score and judge.

    Accepted is what passes ``policy``; what noise or silence was put into need not pass, where it
    is to be taken away again. ``where`` is an SQL condition that narrows what is edited; ``leave``
    is as in ``judge_corpus``. Returns the number of rows added. Raises ``UsageError`` where nothing
    in the corpus can be edited so.
    """
    added = found = 0
    with corpus.writing() as writer:
        # An earlier run may have been stopped before it judged, or judged by another policy.
        judge_corpus(corpus, writer, policy, leave)
        forbidden = leave.forbidden(voices_of(corpus.voices())) if leave else {}
        for derivation in derivations:
            # One after the other: what noise was put into is there when it is to be taken away.
            requests = _requests(corpus, derivation, policy, seed, where, forbidden)
            found += len(requests)
            pending = corpus.pending(requests)
            if not pending.num_rows:
                continue
            on_start(pending.num_rows)
            stages = (
                Derive(corpus.path, scoring),
                Score(open_scorers, corpus.voices(), stopping_gates(policy), scoring),
            )
            for batch in checked(engine.run(Pipeline(pending.schema, stages), pending)):
                writer.append(batch)
                added += batch.num_rows
                on_batch(batch)
            writer.flush()
            judge_corpus(corpus, writer, policy, leave)
    if not found:
        raise UsageError(
            f"nothing in the corpus {corpus.path} can be edited by {', '.join(derivations)}; "
            "ask for other edits, or for others of its utterances (derive.where)"
        )
    return added


def _requests(
    corpus: Corpus,
    derivation: Derivation,
    policy: Policy,
    seed: int,
    where: str | None,
    forbidden: Collection[str],
) -> pa.Table:
    """Return the edits of a kind that can be made of a corpus (``PLANNED_SCHEMA``).

    Speech of ``forbidden`` speakers is not edited.
    """
    made = [EDIT_FIELD.name] if EDIT_FIELD.name in corpus.schema.names else []
    columns = ["request_id", "teacher", "error_kind", *_PROMPT, *made]
    wanted = _ids(corpus, where)
    editor = fingerprint(derivation)
    rows = []
    for batch in corpus.scan_judged(columns, policy=policy.digest):
        for row in batch.to_pylist():
            if row["speaker"] in forbidden:
                continue
            if wanted is not None and row["request_id"] not in wanted:
                continue
            prompt = Prompt(*(row[name] for name in _PROMPT))
            if _is_fit(row, derivation, prompt):
                rows.append(_request(prompt, row["request_id"], derivation, editor, seed))
    return pa.Table.from_pylist(rows, schema=PLANNED_SCHEMA)


def _is_fit(row: Mapping[str, Any], derivation: Derivation, prompt: Prompt) -> bool:
    """Whether an utterance is to be edited so."""
    edit = row.get(EDIT_FIELD.name)
    undoes = edit is not None and edit == UNDONE.get(derivation)
    if row["error_kind"] is not None or not (row["accepted"] or undoes):
        return False
    return applies(prompt, derivation, edit, found=row["teacher"] == IMPORTED)


def _ids(corpus: Corpus, where: str | None) -> set[str] | None:
    if where is None:
        return None
    batches = corpus.scan(["request_id"], where=where)
    return {one for batch in batches for one in batch["request_id"].to_pylist()}


def _request(
    prompt: Prompt, parent: str, derivation: Derivation, editor: str, seed: int
) -> dict[str, Any]:
    # 63 bits of both: edits of two utterances that say the same are two requests.
    seed = int(content_id("lauter.derived.v1", {"parent": parent, "seed": seed})[:16], 16) >> 1
    asked = derived_prompt(prompt, derivation, seed)
    request = Request(asked, EDITOR, editor, seed).identified()
    return asdict(asked) | {
        "request_id": request.request_id,
        "prompt_id": asked.prompt_id,
        "teacher": EDITOR,
        "teacher_fingerprint": editor,
        "seed": seed,
        PARENT_FIELD.name: parent,
        EDIT_FIELD.name: derivation.value,
    }
