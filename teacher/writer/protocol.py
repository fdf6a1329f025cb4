"""What a writer is: told what to write, it answers drafts or says what went wrong."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lauter.teacher.writer.faults import Fault
from lauter.teacher.writer.task import Ask, Kind, Lengths, Seed, Wanted


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds for all texts of a run, whoever writes: lengths by language, the seed.

    ``cache`` is the file in which a writer that costs something keeps its answers.
    """

    lengths: Mapping[str, Lengths]
    seed: int
    cache: Path


@dataclass(frozen=True, slots=True)
class Draft:
    """A text as a writer gave it, what it began from, and of what kind it is."""

    text: str
    seed: Seed
    kind: Kind


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one time of asking: drafts, faults, or both.

    ``ask`` and ``answer`` are as they went over the wire, for dead letters. ``paid`` says that a
    server worked for it now, and not in an earlier run; tokens are None where it does not tell.
    ``is_checked``: the drafts are in tidy form and have passed the checks. ``is_final``: whoever
    asks again gets nothing.
    """

    drafts: tuple[Draft, ...] = ()
    faults: tuple[Fault, ...] = ()
    ask: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""
    paid: bool = False
    cached: bool = False
    is_checked: bool = False
    is_final: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Writer(Protocol):
    """Who writes."""

    @property
    def name(self) -> str:
        """Model, or rules and version."""
        ...

    @property
    def attempts(self) -> int:
        """How often a task is asked for at most."""
        ...

    @property
    def licence(self) -> str:
        """SPDX id of what it writes."""
        ...

    def wanted(self, dialect: str) -> tuple[str, str]:
        """Return the language and the dialect (empty: any) that its texts for ``dialect`` have.

        Raises ``UsageError`` for what it cannot write.
        """
        ...

    def identity(self) -> Mapping[str, Any]:
        """Return what of it decides its texts, templates apart, for the record of a run."""
        ...

    def template(self, wanted: Wanted) -> str:
        """Return the digest of the templates or tables that decide such texts."""
        ...

    def stock(self, wanted: Wanted, kinds: Sequence[Kind]) -> Mapping[Kind, int] | None:
        """Return how many texts it has of each kind; None: as many as are asked for."""
        ...

    def write(self, asks: Sequence[Ask]) -> Generator[Reply, None, None]:
        """Yield what comes of each ask, in their order.

        Raises ``LauterError`` where nothing can be written at all, such as a server that is gone.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
