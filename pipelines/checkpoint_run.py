"""How a checkpoint is run by ourselves: from which folder, on what, and how it draws."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from lauter.datasets.errors import UsageError
from lauter.datasets.suggestion import check_known
from lauter.student.checkpoint import DTYPES
from lauter.student.generation import Sampling
from lauter.student.teaching import stored_weights_digest
from lauter.teacher.step_audio.completion import Identity

SAMPLING: Final = (
    "temperature",
    "top_p",
    "repetition_window",
    "repetition_threshold",
    "constrained",
)
"""What may be said of sampling, by the names that `lauter serve` has in its bodies."""


@dataclass(frozen=True, slots=True)
class CheckpointRun:
    """A checkpoint and how it is run: all that another process has to know.

    ``folder`` holds a student or a published Step1 model. At most ``rows`` answers are spoken at a
    time, and so many ids of new prompts read in one step (``prefill_ids``). ``dtype`` is one of
    ``DTYPES``.
    """

    folder: str
    rows: int
    prefill_ids: int
    device: str
    dtype: str
    sampling: Sampling

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where there is no folder, or a setting that cannot be."""
        if not self.folder:
            raise UsageError(
                "no checkpoint is named; set teacher.completer.folder to the folder of one"
            )
        check_known(self.dtype, DTYPES, f"weights cannot be held as '{self.dtype}'")
        if self.rows < 1 or self.prefill_ids < 1:
            raise UsageError(
                f"{self.rows} rows that read {self.prefill_ids} ids at once make no sense; "
                "set both to 1 or more"
            )

    @property
    def torch_dtype(self) -> torch.dtype | None:
        """The type of the weights; None: as they are stored."""
        return DTYPES[self.dtype]

    @property
    def sampling_figures(self) -> dict[str, Any]:
        """How ids are drawn, as plain figures."""
        return {name: value for name, value in asdict(self.sampling).items() if name in SAMPLING}

    def identity(self, checkpoint: str = "") -> Identity:
        """Say who answers; what the folder holds is read for it where ``checkpoint`` is empty.

        It is what `lauter serve` says of the same folder.
        """
        return Identity(
            Path(self.folder).resolve().name,
            checkpoint or stored_weights_digest(self.folder, self.torch_dtype),
            version("lauter"),
        )

    def check_device(self) -> None:
        """Raise ``UsageError`` where the device is not in this process."""
        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(
                f"there is no device '{self.device}' here; set teacher.completer.device=cpu, or "
                "go where it is"
            ) from error


def sampling_of(given: Mapping[str, Any]) -> Sampling:
    """Return the sampling of plain figures; those not given are as ``Sampling`` has them.

    Raises ``UsageError`` for a name that is none, and for a value that makes no sense.
    """
    defaults = Sampling()
    for name, value in given.items():
        check_known(name, SAMPLING, f"sampling has no setting '{name}'")
        wanted = type(getattr(defaults, name))
        if not (type(value) is wanted or (wanted is float and type(value) is int)):
            raise UsageError(
                f"sampling.{name} is {value!r}; set it to a value such as {getattr(defaults, name)}"
            )
    return Sampling(**given)
