"""Judging a corpus: edits are held against their parents, near-duplicates are found, gates
compare scores, verdicts are kept.

Verdicts are made from score columns alone: no model runs and no audio is read, so that an old
corpus is judged anew under another policy in seconds. All rows are judged together, because
whether a row doubles another depends on the whole corpus: first by all other gates, so that of
copies one is kept that passes them. Memory grows with the corpus, by about 4 kB a row where there
are prints of recordings and by 0.5 kB where there are none.
"""

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.lineage import EDIT_FIELD, EDITOR, LINEAGE_FIELDS, PARENT_FIELD
from lauter.datasets.records import CELL_COLUMNS
from lauter.datasets.voices import voices_of
from lauter.filters.catalogue import NO_FIGURES, known_scores
from lauter.filters.edit_steps import READ, STEP_FIELDS, edit_steps
from lauter.filters.gates import FORBIDDEN, judge
from lauter.filters.near_duplicates import DUPLICATE_FIELDS, duplicates
from lauter.filters.policy import TAG_COLUMNS, Policy, check_scores


class JudgingWriter(Protocol):
    """The part of a corpus writer that judging needs."""

    def put_scores(self, scores: pa.Table) -> None:
        """Add or renew score columns by ``request_id``."""
        ...

    def put_verdicts(
        self, policy_name: str, policy_digest: str, policy_yaml: str, verdicts: pa.Table
    ) -> None:
        """Keep the verdicts of a policy in place of its earlier ones."""
        ...


def judge_corpus(
    corpus: Corpus, writer: JudgingWriter, policy: Policy, leave: Leave | None = None
) -> pa.Table:
    """Judge every row of ``corpus`` under ``policy``; return and keep the verdicts.

    Rows in a voice that may not be used by ``leave`` (None: nobody asks) fail the gate ``consent``.

    Raises ``UsageError`` where a gate reads a score that nothing measures.
    """
    if corpus.count():
        check_scores(policy, known_scores(corpus.schema.names), NO_FIGURES)
    _keep(corpus, writer, _steps(corpus), STEP_FIELDS)
    have = set(corpus.schema.names)
    wanted = ["request_id", *TAG_COLUMNS, "error_kind", "error", "score_errors", "stopped_by"]
    columns = [name for name in dict.fromkeys([*wanted, *policy.scores]) if name in have]
    of_copies = [field.name for field in DUPLICATE_FIELDS]
    rows = _table(corpus, [name for name in columns if name not in of_copies])
    rows = _with_forbidden(rows, corpus, leave)
    found = _duplicates(corpus, judge(rows, policy))
    _keep(corpus, writer, found, DUPLICATE_FIELDS)
    read = [name for name in of_copies if name in policy.scores]
    rows = _beside(rows, found.select(["request_id", *read]))
    verdicts = judge(rows, policy)
    writer.put_verdicts(policy.name, policy.digest, policy.yaml, verdicts)
    return verdicts


def _steps(corpus: Corpus) -> pa.Table:
    """Return ``STEP_FIELDS`` for each spoken row whose parent was spoken too."""
    have = corpus.schema.names
    wanted = ["request_id", PARENT_FIELD.name, *CELL_COLUMNS, *READ]
    spoken = "error_kind IS NULL"
    if PARENT_FIELD.name not in have or not corpus.count(f"{PARENT_FIELD.name} IS NOT NULL"):
        return pa.schema([pa.field("request_id", pa.string()), *STEP_FIELDS]).empty_table()
    return edit_steps(_table(corpus, [name for name in wanted if name in have], where=spoken))


def _with_forbidden(rows: pa.Table, corpus: Corpus, leave: Leave | None) -> pa.Table:
    """Return ``rows`` with a sentence beside each whose voice may not be used."""
    forbidden = leave.forbidden(voices_of(corpus.voices())) if leave else {}
    if not forbidden:
        return rows
    places = pc.index_in(rows["speaker"], value_set=pa.array(list(forbidden), pa.string()))
    return rows.append_column(
        FORBIDDEN, pa.array(list(forbidden.values()), pa.string()).take(places)
    )


def _duplicates(corpus: Corpus, otherwise: pa.Table) -> pa.Table:
    """Return the columns of duplicates for each spoken row; ``otherwise`` are their verdicts."""
    compared = ["request_id", "text", *CELL_COLUMNS, "teacher"]
    optional = ("sound_print", *(field.name for field in LINEAGE_FIELDS))
    compared += [name for name in optional if name in corpus.schema.names]
    spoken = _table(corpus, compared, where="error_kind IS NULL")
    fit = _beside(spoken.select(["request_id"]), otherwise.select(["request_id", "accepted"]))
    if EDIT_FIELD.name in spoken.column_names:
        # The same edit of the same utterance is a copy; no other edit of what was there is one.
        made = pc.binary_join_element_wise(spoken[PARENT_FIELD.name], spoken[EDIT_FIELD.name], " ")
        variant = pc.if_else(pc.equal(spoken["teacher"], EDITOR), made, "")
        spoken = spoken.append_column("variant", variant)
    return duplicates(spoken.append_column("fit", fit["accepted"]))


def _keep(
    corpus: Corpus, writer: JudgingWriter, found: pa.Table, fields: Sequence[pa.Field]
) -> None:
    """Renew columns that were found, where they changed."""
    names = [field.name for field in fields]
    if set(names) <= set(corpus.schema.names):
        columns = ["request_id", *names]
        before = _table(corpus, columns, where="error_kind IS NULL").sort_by("request_id")
        found_by_id = found.sort_by("request_id")
        if before.cast(found.schema).equals(found_by_id):
            return
    elif all(found[name].null_count == len(found) for name in names):
        return  # nothing to say: no column is added for it
    writer.put_scores(found)


def _beside(rows: pa.Table, more: pa.Table) -> pa.Table:
    """Return ``rows`` with the columns of ``more`` by ``request_id``, null where it has none."""
    places = pc.index_in(rows["request_id"], value_set=more["request_id"].combine_chunks())
    for name in more.column_names:
        if name != "request_id":
            rows = rows.append_column(more.schema.field(name), more[name].take(places))
    return rows


def _table(corpus: Corpus, columns: list[str], where: str | None = None) -> pa.Table:
    batches = list(corpus.scan(columns, where=where))
    fields = [corpus.schema.field(name) for name in columns]
    return (
        pa.Table.from_batches(batches, schema=pa.schema(fields))
        if batches
        else pa.table({f.name: pa.array([], f.type) for f in fields})
    )
