"""What training says of itself: a line of JSON each step, TensorBoard beside it, and its MFU.

MFU is the arithmetic that the mathematics needs, through what the device could do in that time.
Counted are the matrices of all layers for each id, attention between ids that see each other, and
the head's columns that take part at each target; forward once, backward twice. Where adapters
alone learn, the other matrices count once on the way back: nobody wants their gradient. What
activation checkpointing computes again is not counted, nor are norms, softmax and the embedding.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import torch

from lauter.datasets.codes import LINGUISTIC_ENTRIES, SEMANTIC_ENTRIES
from lauter.student.batches import Batch, linguistic_places
from lauter.student.presets import ModelConfig

LOG: Final = "log.jsonl"
DENSE_BF16: Final[Mapping[str, float]] = {
    "B200": 2250e12, "H200": 989e12, "H100 PCIe": 756e12, "H100": 989e12, "A100": 312e12,
    "L40S": 362e12, "L40": 181e12, "L4": 121e12, "A10": 125e12, "RTX 4090": 165e12,
}  # fmt: skip
"""Flop/s without sparsity, as the makers state them; the first name that fits counts."""


def training_flops(
    config: ModelConfig, batch: Batch, *, slot_aware: bool, adapter_weights: int = 0
) -> float:
    """Return the arithmetic of a batch, forward and backward.

    ``adapter_weights`` is how many weights learn where these are adapters' (0: all learn).
    """
    wide, shared = config.heads * config.head_size, config.groups * config.head_size
    of_layer = 2 * config.hidden_size * (wide + shared) + 3 * config.hidden_size * config.ffn_size
    rows = torch.arange(len(batch.segments), device=batch.segments.device)[:, None]
    packed = batch.segments + rows * (int(batch.segments.max()) + 1)
    lengths = torch.bincount(packed[batch.segments > 0]).double()
    seen = float((lengths * (lengths + 1) / 2).sum())
    heads = linguistic_places(batch)
    columns = (
        heads * LINGUISTIC_ENTRIES + (len(batch.slots) - heads) * SEMANTIC_ENTRIES
        if slot_aware
        else len(batch.slots) * config.vocabulary_size
    )
    ids = float(lengths.sum())
    matrices = config.layers * of_layer * ids + config.hidden_size * columns
    others = config.layers * 2 * wide * seen + adapter_weights * ids
    return 2 * ((2 if adapter_weights else 3) * matrices + 3 * others)


def peak_flops(device: torch.device, precision: str) -> tuple[float, str]:
    """Return what a device can do a second, and where the figure is from.

    Known accelerators go by their maker's figure for bfloat16; all else is measured, with a
    multiplication of two matrices of 1024 columns (4096 on CUDA).
    """
    if device.type == "cuda" and precision == "bf16":
        name = torch.cuda.get_device_name(device)
        for known, flops in DENSE_BF16.items():
            if known in name:
                return flops, f"stated for {known}"
    size = 4096 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    matrix = torch.ones((size, size), device=device, dtype=dtype)
    best = min(_seconds_of_product(matrix) for _ in range(5))
    return 2 * size**3 / best, "measured"


def _seconds_of_product(matrix: torch.Tensor) -> float:
    started = time.perf_counter()
    product = matrix @ matrix
    if product.is_cuda:
        torch.cuda.synchronize(product.device)
    return time.perf_counter() - started


class TrainingLog:
    """Writes ``log.jsonl`` and TensorBoard's events into ``folder``.

    A resumed run takes back the lines after the step that it goes on from, so the log reads as if
    it had never stopped.
    """

    def __init__(self, folder: Path, *, after: int, tensorboard: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LOG
        kept = [line for line in read_log(folder) if line["step"] <= after]
        path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")
        self._board: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=after + 1)

    def __enter__(self) -> "TrainingLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, step: int, figures: Mapping[str, Any], *, group: str = "train") -> None:
        """Add a line; figures also go to TensorBoard, under ``group``."""
        self._file.write(json.dumps({"step": step, "kind": group, **figures}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, figure in figures.items():
                if isinstance(figure, int | float):
                    self._board.add_scalar(f"{group}/{name}", figure, step)

    def close(self) -> None:
        """Finish both."""
        self._file.close()
        if self._board is not None:
            self._board.close()


class LogTail:
    """Reads the log of a run that goes on, each line once, however long it has become."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self._read = 0

    def lines(self) -> list[dict[str, Any]]:
        """Return the whole lines since the last call.

        Where a resumed run has taken lines back, all are returned again.
        """
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            if file.seek(0, 2) < self._read:
                self._read = 0
            file.seek(self._read)
            fresh = file.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        try:
            found = [json.loads(line) for line in whole.splitlines()]
        except ValueError:  # it was cut, and has grown past this place again
            self._read = 0
            return []
        self._read += len(whole)
        return found


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's log, as far as they are whole."""
    path = folder / LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break  # a killed run may leave half a line
    return found
