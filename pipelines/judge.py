"""Judging a corpus: near-duplicates are found, gates compare scores, verdicts are kept.

Verdicts are made from score columns alone: no model runs and no audio is read, so that an old
corpus is judged anew under another policy in seconds. All rows are judged together, because
whether a row doubles another depends on the whole corpus.
"""

from typing import Protocol

import pyarrow as pa
from lauter.datasets.corpus import Corpus
from lauter.datasets.records import CELL_COLUMNS
from lauter.filters.gates import judge
from lauter.filters.near_duplicates import duplicates
from lauter.filters.policy import Policy

DUPLICATE_COLUMNS = ("duplicate_of", "text_duplicate_similarity", "audio_duplicate_similarity")


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
    """Judge every row of ``corpus`` under ``policy``; return and keep the verdicts."""
    _find_duplicates(corpus, writer)
    have = set(corpus.schema.names)
    wanted = ["request_id", *CELL_COLUMNS, "error_kind", "error", "score_errors", "stopped_by"]
    columns = [name for name in dict.fromkeys([*wanted, *policy.scores]) if name in have]
    verdicts = judge(_table(corpus, columns), policy)
    writer.put_verdicts(policy.name, policy.digest, policy.yaml, verdicts)
    return verdicts


def _find_duplicates(corpus: Corpus, writer: JudgingWriter) -> None:
    if "audio_fingerprint" not in corpus.schema.names:
        return
    columns = ["request_id", "text", *CELL_COLUMNS, "audio_fingerprint"]
    found = duplicates(_table(corpus, columns, where="error_kind IS NULL"))
    known = [name for name in DUPLICATE_COLUMNS if name in corpus.schema.names]
    if len(known) == len(DUPLICATE_COLUMNS):
        before = _table(corpus, ["request_id", *DUPLICATE_COLUMNS], where="error_kind IS NULL")
        if before.sort_by("request_id").equals(found.sort_by("request_id").cast(before.schema)):
            return
    writer.put_scores(found)


def _table(corpus: Corpus, columns: list[str], where: str | None = None) -> pa.Table:
    batches = list(corpus.scan(columns, where=where))
    fields = [corpus.schema.field(name) for name in columns]
    return (
        pa.Table.from_batches(batches, schema=pa.schema(fields))
        if batches
        else pa.table({f.name: pa.array([], f.type) for f in fields})
    )
