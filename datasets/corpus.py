"""The corpus: a folder of Lance datasets, and the system of record.

``utterances.lance`` has one row a request: what was asked, what came back, its scores. Verdicts
stand apart, one dataset a policy under ``verdicts/``, since they are made anew whenever a policy
changes; ``voices.lance`` keeps each speaker's licence and reference recording. Each commit is
atomic, every earlier state can be opened again, and a tag names one state of all of them.

Audio is a plain binary column. Lance's blob encoding was measured against it and would make
reading single clips faster, but a batch of 16 takes under 10 ms either way, and plain columns can
be scanned, joined and exported without a second kind of access.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import digest
from lauter.datasets.records import SCHEMA_VERSION, SCORING_FIELDS, UTTERANCE_SCHEMA, VERDICT_SCHEMA
from lauter.datasets.voices import VOICE_SCHEMA

if TYPE_CHECKING:
    from lauter.datasets.corpus_writer import CorpusWriter

MARK = "corpus.json"
UTTERANCES = "utterances.lance"
VOICES = "voices.lance"
VERDICTS = "verdicts"
JUDGED_COLUMNS = ("accepted", "failed_gates")


class Corpus:
    """A corpus on disk; reading needs no lock and sees committed states only."""

    def __init__(self, path: Path, version: int | str | None = None) -> None:
        self.path = path
        self._tag = version if isinstance(version, str) else None
        self._version = version
        self._utterances = self._open_utterances()

    @classmethod
    def create(cls, path: str | Path, *, exist_ok: bool = False) -> "Corpus":
        """Make an empty corpus, or open the one that is there if ``exist_ok``."""
        folder = Path(path)
        if (folder / MARK).exists():
            if not exist_ok:
                raise UsageError(f"{folder} is a corpus already; open it, or name another folder")
            return cls.open(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} has other content and is no corpus; name a new or an empty folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        schema = pa.schema([*UTTERANCE_SCHEMA, *SCORING_FIELDS])
        lance.write_dataset(schema.empty_table(), str(folder / UTTERANCES), mode="create")
        lance.write_dataset(VOICE_SCHEMA.empty_table(), str(folder / VOICES), mode="create")
        # Written last: a folder with this mark is a whole corpus.
        (folder / MARK).write_text(json.dumps({"schema_version": SCHEMA_VERSION}) + "\n")
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path, *, version: int | str | None = None) -> "Corpus":
        """Open a corpus as it is now, or as it was at a tag or version number (read only)."""
        folder = Path(path)
        try:
            mark = json.loads((folder / MARK).read_text())
        except FileNotFoundError:
            raise UsageError(
                f"{folder} is no corpus; `lauter synthesize corpus={folder}` would make one"
            ) from None
        except ValueError:
            raise UsageError(
                f"{folder / MARK} is damaged; write {json.dumps({'schema_version': 1})} into it"
            ) from None
        if mark.get("schema_version", 0) > SCHEMA_VERSION:
            raise UsageError(
                f"the corpus {folder} has schema {mark['schema_version']} and this Lauter reads "
                f"up to {SCHEMA_VERSION}; install a newer Lauter to open it"
            )
        return cls(folder, version)

    def _open_utterances(self) -> Any:
        return _dataset(self.path / UTTERANCES, self._version)

    def refresh(self) -> None:
        """See what was committed since this corpus was opened."""
        self._utterances = self._open_utterances()

    def writing(
        self,
        *,
        rows_per_commit: int = 1024,
        seconds_per_commit: float = 30.0,
        bytes_per_commit: int = 256 << 20,
    ) -> AbstractContextManager["CorpusWriter"]:
        """Return the one writer; appended rows are committed by rows, seconds or bytes."""
        from lauter.datasets.corpus_writer import open_writer

        if self._version is not None:
            raise UsageError(
                f"the corpus {self.path} was opened at version {self._version}, which is read "
                "only; open it without a version to write"
            )
        return open_writer(self, rows_per_commit, seconds_per_commit, bytes_per_commit)

    @property
    def schema(self) -> pa.Schema:
        """All columns of an utterance, scores included."""
        return self._utterances.schema

    def count(self, where: str | None = None) -> int:
        """Count rows, all or those that an SQL condition picks."""
        return int(self._utterances.count_rows(where))

    def pending(self, requests: pa.Table, *, retry_failed: bool = False) -> pa.Table:
        """Return the requests that are not here; with ``retry_failed``, also the failed ones."""
        where = "error_kind IS NULL" if retry_failed else None
        known = self._utterances.to_table(columns=["request_id"], filter=where)["request_id"]
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
        yield from self._utterances.scanner(
            columns=None if columns is None else list(columns),
            filter=where,
            batch_size=batch_size,
            batch_readahead=2,
            fragment_readahead=1,
            scan_in_order=True,
        ).to_batches()

    def take(self, request_ids: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows of ``request_ids``, in that order; unknown ids raise ``UsageError``."""
        self._check_columns(columns)
        known = self._utterances.to_table(columns=["request_id"])["request_id"]
        rows = pc.index_in(pa.array(request_ids, pa.string()), value_set=known)
        if rows.null_count:
            missing = request_ids[rows.is_null().index(True).as_py()]
            raise UsageError(f"the corpus {self.path} has no request {missing}")
        wanted = None if columns is None else list(columns)
        return self._utterances.take(rows.to_numpy(), columns=wanted)

    def _check_columns(self, columns: Sequence[str] | None) -> None:
        unknown = set(columns or ()) - set(self.schema.names)
        if unknown:
            raise UsageError(
                f"the corpus {self.path} has no column {', '.join(sorted(unknown))}; "
                f"it has {', '.join(self.schema.names)}"
            )

    def policies(self) -> list[str]:
        """Return the digests of the policies judged under, the latest last."""
        found = []
        for folder in (self.path / VERDICTS).glob("*.lance"):
            dataset = self._verdicts_of(folder)
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
        metadata = self._policy_dataset(policy_digest).schema.metadata or {}
        return str(metadata[fact.encode()].decode())

    def _policy_dataset(self, policy_digest: str | None) -> Any:
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
        return self._verdicts_of(self.path / VERDICTS / f"{chosen}.lance")

    def verdicts(self, policy_digest: str | None = None) -> pa.Table:
        """Return the verdicts (``VERDICT_SCHEMA``) of a policy; None: the latest judged."""
        return self._policy_dataset(policy_digest).to_table().select(VERDICT_SCHEMA.names)

    def scan_judged(
        self,
        columns: Sequence[str] | None = None,
        *,
        policy: str | None = None,
        accepted: bool | None = None,
        batch_size: int = 256,
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows with ``accepted`` and ``failed_gates`` beside them.

        ``accepted`` picks only the accepted or only the rejected rows. Rows that came after the
        last judging have null verdicts and are neither.
        """
        wanted = list(columns) if columns is not None else self.schema.names
        verdicts = self.verdicts(policy)
        ids = verdicts["request_id"].combine_chunks()
        read = wanted if "request_id" in wanted else [*wanted, "request_id"]
        for batch in self.scan(read, batch_size=batch_size):
            rows = pc.index_in(batch["request_id"], value_set=ids)
            if accepted is not None:
                chosen = pc.fill_null(pc.equal(verdicts["accepted"].take(rows), accepted), False)
                batch = batch.filter(chosen.combine_chunks())
                if not batch.num_rows:
                    continue
                rows = pc.index_in(batch["request_id"], value_set=ids)
            judged = verdicts.select(list(JUDGED_COLUMNS)).take(rows).combine_chunks()
            yield pa.RecordBatch.from_arrays(
                [
                    *(batch[name] for name in wanted),
                    *(judged[name].combine_chunks() for name in JUDGED_COLUMNS),
                ],
                schema=pa.schema(
                    [
                        *(self.schema.field(name) for name in wanted),
                        *(VERDICT_SCHEMA.field(n).with_nullable(True) for n in JUDGED_COLUMNS),
                    ]
                ),
            )

    def voices(self) -> pa.Table:
        """Return the voices (``VOICE_SCHEMA``) that this corpus was spoken with."""
        return self._beside(self.path / VOICES).to_table()

    def tag(self, name: str) -> None:
        """Name the state of utterances, verdicts and voices as it is now."""
        if name in self.tags():
            raise UsageError(f"the corpus {self.path} has a tag '{name}' already; choose another")
        datasets = [self.path / VOICES, *sorted((self.path / VERDICTS).glob("*.lance"))]
        try:
            # The utterances last: a tag that they have is a tag that all have.
            for folder in (*datasets, self.path / UTTERANCES):
                dataset = lance.dataset(str(folder))
                if name in dataset.tags.list():
                    dataset.tags.update(name, dataset.version)
                else:
                    dataset.tags.create(name, dataset.version)
        except ValueError as error:
            raise UsageError(
                f"'{name}' cannot name a state: {_first_line(error)}; "
                "use letters, digits, '.', '-' and '_'"
            ) from error

    def tags(self) -> dict[str, int]:
        """Return the tags, with the version of the utterances that each names."""
        listed = lance.dataset(str(self.path / UTTERANCES)).tags.list()
        return {name: int(tag["version"]) for name, tag in listed.items()}

    def versions(self) -> dict[int, datetime]:
        """Return the versions of the utterances and when each was committed."""
        listed = lance.dataset(str(self.path / UTTERANCES)).versions()
        return {int(version["version"]): version["timestamp"] for version in listed}

    def digest(self) -> str:
        """Return one digest over ids, audio and latest verdicts, whatever the order of rows."""
        rows = self._utterances.to_table(columns=["request_id", "audio_digest", "error_kind"])
        lines = pc.binary_join_element_wise(
            rows["request_id"], rows["audio_digest"], rows["error_kind"], "|",
            null_handling="replace", null_replacement="",
        )  # fmt: skip
        spoken = sorted(lines.to_pylist())
        judged = []
        if self.policies():
            table = self.verdicts()
            gates = (
                ",".join(sorted(failed["gate"] for failed in gates))
                for gates in table["failed_gates"].to_pylist()
            )
            judged = sorted(
                f"{request_id}|{accepted}|{failed}"
                for request_id, accepted, failed in zip(
                    table["request_id"].to_pylist(), table["accepted"].to_pylist(), gates,
                    strict=True,
                )
            )  # fmt: skip
        return digest("lauter.corpus.v1", "\n".join([*spoken, "", *judged]))

    def _verdicts_of(self, folder: Path) -> Any:
        """Open a policy's verdicts as of this corpus's version; None where there were none."""
        try:
            return self._beside(folder)
        except UsageError:
            return None

    def _beside(self, folder: Path) -> Any:
        """Open a dataset beside the utterances as it was at this corpus's version.

        For a version number that is the newest state before the utterances changed again.
        """
        if not isinstance(self._version, int):
            return _dataset(folder, self._tag)
        later = [when for number, when in self.versions().items() if number > self._version]
        versions = _dataset(folder).versions()
        then = [v["version"] for v in versions if not later or v["timestamp"] <= min(later)]
        if not then:
            raise UsageError(f"{folder.name} was not there at version {self._version}")
        return _dataset(folder, max(then))


def _dataset(folder: Path, version: int | str | None = None) -> Any:
    try:
        return lance.dataset(str(folder), version=version)
    except (ValueError, OSError, KeyError) as error:
        if version is None:
            raise UsageError(
                f"{folder} cannot be opened ({_first_line(error)}); "
                "it is missing or damaged: restore it from a copy"
            ) from error
        raise UsageError(
            f"the corpus {folder.parent} has no version or tag '{version}'; "
            "leave it out to open the newest state"
        ) from error


def _committed(dataset: Any) -> datetime:
    now = dataset.version
    return max(v["timestamp"] for v in dataset.versions() if v["version"] == now)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]


def row_bytes(batch: pa.RecordBatch) -> int:
    """Return the memory that a batch holds, in bytes."""
    return int(np.int64(batch.nbytes))
