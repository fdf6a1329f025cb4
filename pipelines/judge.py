"""Judging a corpus: near-duplicates are found, gates compare scores, verdicts are kept.

Verdicts are made from score columns alone: no model runs and no audio is read, so that an old
corpus is judged anew under another policy in seconds. All rows are judged together, because
whether a row doubles another depends on the whole corpus.
"""

from typing import Protocol

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.records import CELL_COLUMNS
from lauter.filters.catalogue import known_scores
from lauter.filters.gates import judge
from lauter.filters.near_duplicates import DUPLICATE_FIELDS, duplicates
from lauter.filters.policy import Policy, check_scores


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


def judge_corpus(corpus: Corpus, writer: JudgingWriter, policy: Policy) -> pa.Table:
    """Judge every row of ``corpus`` under ``policy``; return and keep the verdicts.

    Raises ``UsageError`` where a gate reads a score that nothing measures.
    """
    if corpus.count():
        check_scores(policy, known_scores(corpus.schema.names))
    _find_duplicates(corpus, writer)
    have = set(corpus.schema.names)
    wanted = ["request_id", *CELL_COLUMNS, "error_kind", "error", "score_errors", "stopped_by"]
    columns = [name for name in dict.fromkeys([*wanted, *policy.scores]) if name in have]
    verdicts = judge(_table(corpus, columns), policy)
    writer.put_verdicts(policy.name, policy.digest, policy.yaml, verdicts)
    return verdicts


def _find_duplicates(corpus: Corpus, writer: JudgingWriter) -> None:
    """Renew the columns of duplicates, where they changed."""
    spoken = "error_kind IS NULL"
    compared = ["request_id", "text", *CELL_COLUMNS]
    if "sound_print" in corpus.schema.names:
        compared.append("sound_print")
    found = duplicates(_table(corpus, compared, where=spoken))
    names = [field.name for field in DUPLICATE_FIELDS]
    if set(names) <= set(corpus.schema.names):
        before = _table(corpus, ["request_id", *names], where=spoken).sort_by("request_id")
        if before.cast(found.schema).equals(found.sort_by("request_id")):
            return
    elif found["duplicate_of"].null_count == len(found):
        return  # nothing to say: no column is added for it
    writer.put_scores(found)


def _table(corpus: Corpus, columns: list[str], where: str | None = None) -> pa.Table:
    batches = list(corpus.scan(columns, where=where))
    fields = [corpus.schema.field(name) for name in columns]
    return (
        pa.Table.from_batches(batches, schema=pa.schema(fields))
        if batches
        else pa.table({f.name: pa.array([], f.type) for f in fields})
    )
