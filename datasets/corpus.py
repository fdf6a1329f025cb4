"""The corpus: a folder of Lance datasets, on a disk or in a store, and the system of record.

``utterances.lance`` has one row a request: what was asked, what came back, its scores. Verdicts
stand apart, one dataset a policy under ``verdicts/``, since they are made anew whenever a policy
changes; ``voices.lance`` keeps each speaker's licence and reference recording. Each commit is
atomic, every earlier state can be opened again, and a tag names one state of all of them.

Audio is a plain binary column. Lance's blob encoding appends as fast and scans audio three times
faster (2.6 against 0.75 GB/s; 10,000 clips of 60 kB, 2 cores), but takes 16 clips in 2.8 instead
of 1.7 ms, and every reader would need a second kind of access to get bytes; whatever decodes
audio is far slower than either.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.datasets.corpus_digest import corpus_digest
from lauter.datasets.corpus_judged import Judgements
from lauter.datasets.corpus_layout import (
    MARK,
    UTTERANCES,
    VERDICTS,
    VOICES,
    WITHDRAWN,
    check_mark,
    has_state,
    make,
    open_dataset,
    plainly,
)
from lauter.datasets.corpus_lock import single_writer
from lauter.datasets.errors import UsageError
from lauter.datasets.location import Location, location_of
from lauter.datasets.records import VERDICT_SCHEMA
from lauter.datasets.store_errors import said
from lauter.datasets.voices import with_every_column

if TYPE_CHECKING:
    from lauter.datasets.corpus_writer import CorpusWriter

READ_AHEAD_BYTES = 64 << 20
"""What a scan reads ahead of its reader at most; Lance's own 2 GiB are no faster."""


class Corpus:
    """A corpus; reading needs no lock and sees committed states only.

    What another process commits is seen after ``refresh``.
    """

    def __init__(self, path: Location, version: int | str | None = None) -> None:
        self.path = path
        self._version = version
        self._utterances = open_dataset(path / UTTERANCES, version)

    @classmethod
    def create(cls, path: str | Location, *, exist_ok: bool = False) -> "Corpus":
        """Make an empty corpus, or open the one that is there if ``exist_ok``."""
        folder = location_of(path)
        if not (folder / MARK).exists():
            make(folder)
        elif not exist_ok:
            raise UsageError(f"{folder} is a corpus already; open it, or name another folder")
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Location, *, version: int | str | None = None) -> "Corpus":
        """Open a corpus as it is now, or as it was at a tag or version number (read only)."""
        folder = location_of(path)
        check_mark(folder)
        number = isinstance(version, str) and version.isdecimal()
        return cls(folder, int(version) if version is not None and number else version)

    def refresh(self) -> None:
        """See what was committed since this corpus was opened."""
        self._utterances = open_dataset(self.path / UTTERANCES, self._version)

    def writing(
        self,
        *,
        rows_per_commit: int = 1024,
        seconds_per_commit: float = 30.0,
        bytes_per_commit: int = 256 << 20,
    ) -> AbstractContextManager["CorpusWriter"]:
        """Return the one writer; appended rows are committed by rows, seconds or bytes."""
        from lauter.datasets.corpus_writer import open_writer

        self._check_newest("written")
        return open_writer(self, rows_per_commit, seconds_per_commit, bytes_per_commit)

    def _check_newest(self, done: str) -> None:
        if self._version is not None:
            raise UsageError(
                f"the corpus {self.path} was opened at version {self._version}, which is read "
                f"only and cannot be {done}; open it without a version"
            )

    @property
    def release(self) -> str | None:
        """The tag that this corpus was opened at, if it was one."""
        return self._version if isinstance(self._version, str) else None

    @property
    def schema(self) -> pa.Schema:
        """All columns of an utterance, scores included."""
        return self._utterances.schema

    def count(self, where: str | None = None) -> int:
        """Count rows, all or those that an SQL condition picks."""
        self._check_condition(where)
        with plainly(self.path, "read"):
            return int(self._utterances.count_rows(where))

    def pending(self, requests: pa.Table, *, retry_failed: bool = False) -> pa.Table:
        """Return the requests that are not here; with ``retry_failed``, also the failed ones.

        What was erased has not failed: nobody is to speak it again.
        """
        settled = f"error_kind IS NULL OR error_kind = '{WITHDRAWN}'"
        known = self._column("request_id", settled if retry_failed else None)
        if not len(known):
            return requests
        return requests.filter(pc.invert(pc.is_in(requests["request_id"], value_set=known)))

    def scan(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: str | None = None,
        batch_size: int = 1024,
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows, in the order of their coming, with bounded memory."""
        self._check_columns(columns)
        self._check_condition(where)
        with plainly(self.path, "read"):
            yield from self._utterances.scanner(
                columns=None if columns is None else list(columns),
                filter=where,
                batch_size=batch_size,
                batch_readahead=2,
                fragment_readahead=1,
                io_buffer_size=READ_AHEAD_BYTES,
                scan_in_order=True,
            ).to_batches()

    def take(self, request_ids: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows of ``request_ids``, in that order; unknown ids raise ``UsageError``."""
        self._check_columns(columns)
        rows = pc.index_in(pa.array(request_ids, pa.string()), value_set=self._column("request_id"))
        if rows.null_count:
            missing = request_ids[rows.is_null().index(True).as_py()]
            raise UsageError(f"the corpus {self.path} has no request {missing}")
        return self.take_rows(rows.to_numpy(), columns)

    def take_rows(self, rows: NDArray[np.int64], columns: Sequence[str] | None = None) -> pa.Table:
        """Return rows by their places in the order of ``scan``, which begin with 0."""
        wanted = None if columns is None else list(columns)
        with plainly(self.path, "read"):
            return self._utterances.take(rows, columns=wanted)

    def _column(self, name: str, where: str | None = None) -> pa.Array:
        with plainly(self.path, "read"):
            table = self._utterances.to_table(columns=[name], filter=where, scan_in_order=True)
        return table[name].combine_chunks()

    def _check_columns(self, columns: Sequence[str] | None) -> None:
        unknown = set(columns or ()) - set(self.schema.names)
        if unknown:
            raise UsageError(
                f"the corpus {self.path} has no column {', '.join(sorted(unknown))}; "
                f"it has {', '.join(self.schema.names)}"
            )

    def _check_condition(self, where: str | None) -> None:
        if where is None:
            return
        try:
            self._utterances.scanner(columns=["request_id"], filter=where).explain_plan()
        except (OSError, ValueError) as error:
            # Lance names a near column if there is one, else all of them, which are many.
            short = said(error).split(" Valid fields are", 1)[0].rstrip(".")
            raise UsageError(
                f"rows cannot be picked by '{where}': {short}; "
                "write an SQL condition over the corpus's columns"
            ) from error

    def policies(self) -> list[str]:
        """Return the digests of the policies judged under, the latest last."""
        found = []
        for folder in (self.path / VERDICTS).glob("*.lance"):
            dataset = self._beside(folder)
            if dataset is not None:
                found.append((_committed(dataset), folder.stem))
        return [policy for _, policy in sorted(found)]

    def policy_yaml(self, policy_digest: str) -> str:
        """Return the text of a policy that was judged under."""
        return self._policy_fact(policy_digest, "policy_yaml")

    def policy_name(self, policy_digest: str) -> str:
        """Return the name of a policy that was judged under."""
        return self._policy_fact(policy_digest, "policy_name")

    def _policy_fact(self, policy_digest: str, fact: str) -> str:
        metadata = self._policy(policy_digest).schema.metadata or {}
        return str(metadata[fact.encode()].decode())

    def _policy(self, policy_digest: str | None) -> Any:
        known = self.policies()
        if not known:
            raise UsageError(
                f"the corpus {self.path} has not been judged; run `lauter judge corpus={self.path}`"
            )
        chosen = policy_digest or known[-1]
        if chosen not in known:
            raise UsageError(
                f"the corpus {self.path} was not judged under the policy {chosen}; "
                f"it was under {', '.join(known)}"
            )
        return self._beside(self.path / VERDICTS / f"{chosen}.lance")

    def verdicts(self, policy_digest: str | None = None) -> pa.Table:
        """Return the verdicts (``VERDICT_SCHEMA``) of a policy; None: the latest judged."""
        dataset = self._policy(policy_digest)
        with plainly(self.path, "read"):
            return dataset.to_table(columns=VERDICT_SCHEMA.names)

    def scan_judged(
        self,
        columns: Sequence[str] | None = None,
        *,
        policy: str | None = None,
        accepted: bool | None = None,
        batch_size: int = 256,
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows with ``accepted`` and ``failed_gates`` beside them, with bounded memory.

        ``accepted`` picks only the accepted or only the rejected rows; of the others nothing is
        read. Rows that came after the last judging have null verdicts and are neither.
        """
        self._check_columns(columns)
        judgements = Judgements(self._column("request_id"), self.verdicts(policy))
        if accepted is None:
            yield from judgements.join(self.scan(columns, batch_size=batch_size))
            return
        chosen = judgements.rows(accepted)
        for start in range(0, len(chosen), batch_size):
            rows = chosen[start : start + batch_size]
            (batch,) = self.take_rows(rows, columns).combine_chunks().to_batches()
            yield judgements.join_rows(batch, rows)

    def voices(self) -> pa.Table:
        """Return the voices (``VOICE_SCHEMA``) that this corpus was spoken with."""
        dataset = self._beside(self.path / VOICES)
        if dataset is None:
            dataset = open_dataset(self.path / VOICES)  # says what is missing
        with plainly(self.path, "read"):
            return with_every_column(dataset.to_table())

    def tag(self, name: str) -> None:
        """Name the newest state of utterances, verdicts and voices; nobody may be writing."""
        self._check_newest("tagged")
        if not re.fullmatch(r"(?=.*[A-Za-z_])[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(?<!\.lock)", name):
            raise UsageError(
                f"'{name}' cannot name a state; use letters, digits, '-', '_' and single dots, "
                "with at least one letter"
            )
        with single_writer(self.path):
            self.refresh()
            if name in self.tags():
                raise UsageError(
                    f"the corpus {self.path} has a tag '{name}' already; choose another"
                )
            verdicts = (self.path / VERDICTS).glob("*.lance")
            # The utterances last: a tag that they have is a tag that all have.
            for folder in (self.path / VOICES, *verdicts, self.path / UTTERANCES):
                if not has_state(folder):
                    continue
                dataset = open_dataset(folder)
                with plainly(self.path, "tagged"):
                    if name in dataset.tags.list():
                        dataset.tags.update(name, dataset.version)
                    else:
                        dataset.tags.create(name, dataset.version)

    def tags(self) -> dict[str, int]:
        """Return the tags, with the version of the utterances that each names."""
        listed = open_dataset(self.path / UTTERANCES).tags.list()
        return {name: int(tag["version"]) for name, tag in listed.items()}

    def versions(self) -> dict[int, datetime]:
        """Return the versions of the utterances and when each was committed."""
        listed = open_dataset(self.path / UTTERANCES).versions()
        return {int(version["version"]): version["timestamp"] for version in listed}

    def committed(self) -> datetime:
        """Return when the opened state of the utterances was committed, in UTC."""
        return _committed(self._utterances).astimezone(UTC)

    def digest(self, policy: str | None = None) -> str:
        """Return one digest over ids, audio and a policy's verdicts, whatever the order of rows.

        None: the latest policy's, if there are any.
        """
        with plainly(self.path, "read"):
            spoken = self._utterances.to_table(columns=["request_id", "audio_digest"])
        return corpus_digest(spoken, self.verdicts(policy) if self.policies() else None)

    def _beside(self, folder: Location) -> Any:
        """Open a dataset beside the utterances as it was at this corpus's version.

        For a tag that is the state tagged; for a version number the newest state before the
        utterances changed again. None where there was none yet.
        """
        if not has_state(folder):
            return None
        dataset = open_dataset(folder)
        if self._version is None:
            return dataset
        if isinstance(self._version, str):
            tagged = dataset.tags.list().get(self._version)
            return None if tagged is None else open_dataset(folder, int(tagged["version"]))
        later = [when for number, when in self.versions().items() if number > self._version]
        then = [
            int(version["version"])
            for version in dataset.versions()
            if not later or version["timestamp"] <= min(later)
        ]
        return open_dataset(folder, max(then)) if then else None


def _committed(dataset: Any) -> datetime:
    """Return when the opened version of a dataset was committed."""
    (when,) = (v["timestamp"] for v in dataset.versions() if v["version"] == dataset.version)
    return when  # type: ignore[no-any-return]
