"""Export: accepted speech as WebDataset tars, or as a Lance dataset.

A sample is two members of a tar under one key, the request id: ``<key>.flac`` (the bytes as they
stand in the corpus) and ``<key>.json`` (text, tags, figures, provenance), with ``<key>.codes.npy``
where the teacher spoke in codes. Rows are shuffled by seed before audio is read, and audio is read
a few rows at a time, so memory does not grow with the corpus. An export is written beside its
place and renamed into it: what is there is whole.
"""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError

READ_ROWS = 64
_UNEXPORTED = frozenset({"audio", "codes", "score_errors", "scorer_seconds", "stopped_by"})


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export holds."""

    folder: Path
    samples: int
    shards: int
    audio_bytes: int
    duration_s: float


def export_webdataset(
    corpus: Corpus,
    folder: str | Path,
    *,
    policy: str | None = None,
    seed: int = 0,
    shard_bytes: int = 256 << 20,
    overwrite: bool = False,
) -> ExportSummary:
    """Write the accepted rows of ``corpus`` as tars of about ``shard_bytes`` each."""
    target = _prepared(folder, overwrite)
    hidden = target.with_name(f".{target.name}.writing")
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(parents=True)
    shards, samples, audio_bytes, duration_s = 0, 0, 0, 0.0
    tar: tarfile.TarFile | None = None
    size = 0
    try:
        for row in _shuffled_rows(corpus, policy, seed):
            if tar is None or size >= shard_bytes:
                if tar is not None:
                    tar.close()
                tar = tarfile.open(hidden / f"shard-{shards:06d}.tar", "w")  # noqa: SIM115
                shards, size = shards + 1, 0
            size += _add_sample(tar, row)
            samples += 1
            audio_bytes += len(row["audio"])
            duration_s += row["duration_s"]
    finally:
        if tar is not None:
            tar.close()
    _put_in_place(hidden, target)
    return ExportSummary(target, samples, shards, audio_bytes, duration_s)


def export_lance(
    corpus: Corpus,
    folder: str | Path,
    *,
    policy: str | None = None,
    overwrite: bool = False,
) -> ExportSummary:
    """Write the accepted rows of ``corpus`` as one Lance dataset with their audio."""
    target = _prepared(folder, overwrite)
    hidden = target.with_name(f".{target.name}.writing")
    shutil.rmtree(hidden, ignore_errors=True)
    accepted = corpus.scan_judged(policy=policy, accepted=True)
    first = next(accepted, None)
    if first is None:
        raise UsageError(f"nothing in {corpus.path} is accepted; there is nothing to export")
    counted = {"samples": 0, "audio_bytes": 0, "duration_s": 0.0}

    def batches() -> Iterator[pa.RecordBatch]:
        batch: pa.RecordBatch | None = first
        while batch is not None:
            counted["samples"] += batch.num_rows
            counted["audio_bytes"] += sum(map(len, batch["audio"].to_pylist()))
            counted["duration_s"] += sum(batch["duration_s"].to_pylist())
            yield batch
            batch = next(accepted, None)

    reader = pa.RecordBatchReader.from_batches(first.schema, batches())
    lance.write_dataset(reader, str(hidden), mode="create")
    _put_in_place(hidden, target)
    return ExportSummary(
        target, int(counted["samples"]), 1, int(counted["audio_bytes"]), counted["duration_s"]
    )


def _prepared(folder: str | Path, overwrite: bool) -> Path:
    target = Path(folder)
    if target.exists() and not overwrite:
        raise UsageError(
            f"{target} is there already; name another folder or set export.overwrite=true"
        )
    return target


def _put_in_place(hidden: Path, target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    hidden.rename(target)


def _shuffled_rows(corpus: Corpus, policy: str | None, seed: int) -> Iterator[dict[str, Any]]:
    judged = corpus.scan_judged(["request_id"], policy=policy, accepted=True)
    ids = sorted(request_id for batch in judged for request_id in batch["request_id"].to_pylist())
    if not ids:
        raise UsageError(f"nothing in {corpus.path} is accepted; there is nothing to export")
    np.random.default_rng(seed).shuffle(ids)
    for start in range(0, len(ids), READ_ROWS):
        yield from corpus.take(ids[start : start + READ_ROWS]).to_pylist()


def _add_sample(tar: tarfile.TarFile, row: dict[str, Any]) -> int:
    """Add one sample's members; return the bytes added."""
    record = {name: value for name, value in row.items() if name not in _UNEXPORTED}
    members = {
        "flac": row["audio"],
        "json": json.dumps(record, ensure_ascii=False, default=_plain).encode(),
    }
    if row["codes"] is not None:
        buffer = io.BytesIO()
        np.save(buffer, np.asarray(row["codes"], dtype=np.int32))
        members["codes.npy"] = buffer.getvalue()
    for extension, data in members.items():
        member = tarfile.TarInfo(f"{row['request_id']}.{extension}")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return sum(map(len, members.values()))


def _plain(value: Any) -> Any:
    """Return what JSON has no word for as what it has."""
    if isinstance(value, bytes):
        return value.hex()
    return value.tolist() if hasattr(value, "tolist") else str(value)
