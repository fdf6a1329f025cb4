"""`loader_over_tar`: our loader, which gives audio undecoded, against a bare read of the same tars.

The bare reader is Python's tarfile over the shards in their order, every member read. Ours reads
in mixed order, as training does. Both read what the page cache holds, so that it is the readers
that are compared and not the disk. Beside them stands what no reader can pass: the files read in
large blocks, without a look at what is in them.
"""

import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from lauter.datasets.exported_sample import ExportedSample
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.records import REQUEST_FIELDS, SPEECH_FIELDS
from lauter.datasets.shards import ShardWriter

SAMPLES = 6000
AUDIO_BYTES = 60_000
RUNS = 5


def loader_over_tar(samples: int = SAMPLES) -> dict[str, Any]:
    """Return the row of the table: the medians of ``RUNS`` readings of each, taken in turn."""
    with tempfile.TemporaryDirectory() as folder:
        write_shards(Path(folder), samples)
        tars = sorted(Path(folder).glob("train/*.tar"))
        loader = SpeechLoader(folder, batch_size=16)
        beginning = loader.state_dict()

        def ours() -> int:
            loader.load_state_dict(beginning)
            return sum(len(sample.flac) for batch, _ in loader for sample in batch)

        def bare() -> int:
            return sum(len(data) for tar in tars for name, data in members(tar) if "flac" in name)

        def blocks() -> int:
            return sum(len(block) for tar in tars for block in read_in_blocks(tar))

        payload = ours()
        assert payload == bare() == samples * AUDIO_BYTES
        taken = {read: [0.0] * RUNS for read in (ours, bare, blocks)}
        for run in range(RUNS):
            for read, times in taken.items():
                times[run] = seconds(read)
    value, against, floor = (payload / median(times) / 1e6 for times in taken.values())
    return {
        "name": "loader_over_tar",
        "value": round(value, 1),
        "unit": "MB/s",
        "against": (
            f"tarfile over the same shards, {against:.1f} MB/s "
            f"(blocks of 1 MiB, nothing looked at: {floor:.1f} MB/s)"
        ),
        "ratio": round(value / against, 3),
    }


def write_shards(folder: Path, samples: int) -> None:
    """Fill ``folder`` with shards whose audio cannot be compressed, as FLAC cannot."""
    noise = np.random.default_rng(0)
    fields = [
        *REQUEST_FIELDS,
        *(f for f in SPEECH_FIELDS if f.name in ("sample_rate", "duration_s")),
    ]
    writer = ShardWriter(folder, fields, 256 << 20)
    writer.begin("train")
    for number in range(samples):
        record = {field.name: "" if pa.types.is_string(field.type) else 1 for field in fields}
        record |= {"text": f"Sentence {number} of the bench, as long as most.", "duration_s": 3.0}
        writer.add(ExportedSample(f"{number:032x}", noise.bytes(AUDIO_BYTES), record))
    writer.close()


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read every member of a tar, as one would without Lauter."""
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            yield member.name, file.read()


def read_in_blocks(path: Path) -> Iterator[bytes]:
    """Read a file as it lies, without finding anything in it."""
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 20):
            yield block


def seconds(read: Callable[[], int]) -> float:
    """Return how long a reading takes."""
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(loader_over_tar())
