"""What an export takes from a corpus, in which order, and what it should say about the rest.

One pass over the light columns finds the rows and counts what the data card tells; audio is read
later, a few rows at a time, so memory grows with rows and verdicts and not with the audio.

Rows are shuffled by a digest of the seed and the request id: the same rows come in the same order
whatever order they were spoken in. Splits are drawn by text, so that no sentence that is trained
on is ever tested, by whichever voice; or by speaker, so that nobody is, whatever he says and in
whichever of his voices. What is drawn depends on the text or person alone: more rows move none from
one split to another.
"""

import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_judged import JUDGED_COLUMNS, JUDGED_FIELDS, Judgements
from lauter.datasets.corpus_tally import CorpusTally
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import digest
from lauter.datasets.mark_columns import MARK_COLUMNS, MARK_FIELDS
from lauter.datasets.records import (
    CODEC_ERROR_FIELD,
    CODEC_FIELD,
    REQUEST_FIELDS,
    SCORING_FIELDS,
    TOP_LOGITS_FIELDS,
    UTTERANCE_SCHEMA,
)
from lauter.datasets.tags import without_sounds
from lauter.datasets.voices import people_of, voices_of

READ_ROWS = 64
TALLY_ROWS = 8192
ALL_IN_TRAIN = {"train": 1.0}
SPLIT_BY = ("text", "speaker")
"""Columns by which splits can be drawn: no text, no person who speaks stands in two of them."""

_SPOKEN_NAMES = ("audio_digest", "sample_rate", "duration_s")
_SHUFFLE_DOMAIN = "lauter.shuffle.v1"
_SPLIT_DOMAIN = "lauter.split.v1"


@dataclass(frozen=True)
class Selection:
    """The rows of a corpus that an export takes.

    ``rows`` are their places in the corpus, split by split in the order of ``splits`` (names and
    numbers of rows), drawn by the column ``split_by``, shuffled within each; ``fields`` are the
    columns of an exported record, of which those of the mark are filled in when it is exported
    (``marked_rows.py``). ``forbidden`` says by speaker why voices may not be used: their rows are
    not among them, whatever was judged earlier.
    """

    corpus: Corpus
    policy: str
    rows: NDArray[np.int64]
    splits: dict[str, int]
    fields: list[pa.Field]
    split_by: str
    tally: CorpusTally
    judgements: Judgements
    forbidden: Mapping[str, str] = field(default_factory=dict)

    def batches(self, split: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a split with their audio, unmarked, ``READ_ROWS`` at a time."""
        here = {*self.corpus.schema.names, *JUDGED_COLUMNS}
        names = [field.name for field in self.fields if field.name in here]
        stored = [name for name in names if name not in JUDGED_COLUMNS]
        ends = dict(zip(self.splits, accumulate(self.splits.values()), strict=True))
        of_split = self.rows[ends[split] - self.splits[split] : ends[split]]
        for start in range(0, len(of_split), READ_ROWS):
            rows = of_split[start : start + READ_ROWS]
            table = self.corpus.take_rows(rows, ["audio", *stored]).combine_chunks()
            joined = self.judgements.join_rows(table.to_batches()[0], rows)
            yield joined.select(["audio", *names])


def select(
    corpus: Corpus,
    *,
    policy: str | None = None,
    seed: int = 0,
    accepted: bool | None = True,
    splits: Mapping[str, float] | None = None,
    split_by: str = "text",
    leave: Leave | None = None,
) -> Selection:
    """Choose the accepted rows (``False``: the rejected ones, ``None``: all that were spoken).

    Rows in a voice that may not be used by ``leave`` (None: nobody asks) are never chosen.

    Accepted speech that a codec could make nothing of (damaged, silent) is not chosen.
    ``splits`` gives each split's share, of the texts or (``split_by``) of the speakers. Raises
    ``UsageError`` for a corpus that was not judged, shares that make no sense, and where no row is
    chosen.
    """
    shares = _checked_shares(splits or ALL_IN_TRAIN)
    if split_by not in SPLIT_BY:
        raise UsageError(f"splits cannot be drawn by '{split_by}'; choose {' or '.join(SPLIT_BY)}")
    # Chosen once: somebody may judge under another policy meanwhile.
    policy = policy or next(reversed(corpus.policies()), None)
    verdicts = corpus.verdicts(policy)
    ids = [batch["request_id"] for batch in corpus.scan(["request_id"], batch_size=TALLY_ROWS)]
    judgements = Judgements(pa.concat_arrays(ids) if ids else pa.array([], pa.string()), verdicts)
    forbidden = leave.forbidden(voices_of(corpus.voices())) if leave else {}
    tally = CorpusTally(corpus.schema)
    people = people_of(corpus.voices()) if split_by == "speaker" else {}
    rows, keys, split_of = array("q"), array("Q"), array("b")
    first = 0
    errors = [name for name in (CODEC_ERROR_FIELD.name,) if name in corpus.schema.names]
    columns = [*tally.columns, *errors]
    for batch in judgements.join(corpus.scan(columns, batch_size=TALLY_ROWS)):
        is_chosen = _is_chosen(batch, accepted)
        may_not = pc.is_in(batch["speaker"], value_set=pa.array(list(forbidden), pa.string()))
        tally.leave_out(batch.filter(pc.and_(is_chosen, may_not)))
        is_chosen = pc.and_(is_chosen, pc.invert(may_not))
        tally.add(batch, is_chosen)
        chosen = np.flatnonzero(is_chosen.to_numpy(zero_copy_only=False))
        rows.extend((first + chosen).tolist())
        for row in batch.select(["request_id", split_by]).take(pa.array(chosen)).to_pylist():
            keys.append(_bits(f"{_SHUFFLE_DOMAIN}.{seed}", row["request_id"]))
            drawn = row[split_by]
            split_of.append(_split_of(people.get(drawn, drawn), shares))
        first += batch.num_rows
    if not rows:
        if tally.left_out:
            raise UsageError(
                f"nothing of the corpus {corpus.path} may be exported: "
                f"{'; '.join(forbidden[speaker] for speaker in sorted(tally.left_out))}"
            )
        wanted = {True: "accepted", False: "rejected", None: "spoken"}[accepted]
        raise UsageError(
            f"no utterance of the corpus {corpus.path} is {wanted}, so there is nothing to export; "
            "`lauter audit` shows why"
        )
    order = np.lexsort((np.asarray(rows), np.asarray(keys), np.asarray(split_of)))
    counts = np.bincount(np.asarray(split_of), minlength=len(shares)).tolist()
    return Selection(
        corpus,
        cast(str, policy),
        np.asarray(rows, np.int64)[order],
        {name: count for name, count in zip(shares, counts, strict=True) if count},
        _record_fields(corpus, with_verdicts=accepted is not True),
        split_by,
        tally,
        judgements,
        forbidden,
    )


def _is_chosen(batch: pa.RecordBatch, accepted: bool | None) -> pa.BooleanArray:
    spoken = pc.is_null(batch["error_kind"])
    if accepted is None:
        return spoken
    if accepted and CODEC_ERROR_FIELD.name in batch.schema.names:
        spoken = pc.and_(spoken, pc.is_null(batch[CODEC_ERROR_FIELD.name]))
    return pc.and_(spoken, pc.fill_null(pc.equal(batch["accepted"], accepted), False))


def _record_fields(corpus: Corpus, *, with_verdicts: bool) -> list[pa.Field]:
    """Return the columns of a record: what was asked, what came, its figures.

    How the row was made (times, attempts, fingerprints) stays in the corpus and on the card; but
    codes are nothing without the codec that made them, nor logits without their teacher.
    """
    names = [*_SPOKEN_NAMES, *(["codes"] if corpus.count("codes IS NOT NULL") else [])]
    bookkeeping = {
        *UTTERANCE_SCHEMA.names,
        *(field.name for field in SCORING_FIELDS),
        *MARK_COLUMNS,
    }
    told = {field.name for field in (CODEC_FIELD, *TOP_LOGITS_FIELDS)}
    scores = [
        field
        for field in corpus.schema
        if field.name in told
        or (field.name not in bookkeeping and not field.name.endswith("_fingerprint"))
    ]
    spoken = [UTTERANCE_SCHEMA.field(name) for name in names]
    judged = JUDGED_FIELDS if with_verdicts else []
    return [*REQUEST_FIELDS, *spoken, *MARK_FIELDS, *scores, *judged]


def _checked_shares(splits: Mapping[str, float]) -> dict[str, float]:
    wrong = [name for name in splits if not name.isidentifier()]
    if wrong:
        raise UsageError(f"'{wrong[0]}' cannot name a split; use letters, digits and '_'")
    if min(splits.values()) <= 0 or abs(sum(splits.values()) - 1) > 1e-9:
        given = ", ".join(f"{name} {share:g}" for name, share in splits.items())
        raise UsageError(
            f"the splits' shares ({given}) are not all positive or do not add up to 1; "
            "give shares such as train 0.98, valid 0.02"
        )
    return dict(splits)


def split_of(value: str, shares: Mapping[str, float]) -> str:
    """Return the split that a text is drawn into, or a person where splits are drawn by speaker."""
    return list(shares)[_split_of(value, shares)]


def _split_of(value: str, shares: Mapping[str, float]) -> int:
    # Sounds between its words make a text no other sentence.
    drawn = _bits(_SPLIT_DOMAIN, without_sounds(value)) / 2**64
    reached = np.cumsum(list(shares.values()))[:-1]
    return int(np.searchsorted(reached, drawn, side="right"))


def _bits(domain: str, content: str) -> int:
    return int(digest(domain, content)[:16], 16)


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose figures JSON can say: one that is no number becomes null."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
