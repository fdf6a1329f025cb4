"""How often each sample comes in an epoch: weights by language, dialect and emotion.

A cell with share p of the data gets a share in proportion to ``weight * p ** (1 / temperature)``:
at temperature 1 that is its own, at higher ones rare cells come more often. A sample is repeated a
whole number of times; the fraction is drawn by lot, anew in each epoch, from the seed alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError
from lauter.datasets.mixing import mixed
from lauter.student.examples import Cell


@dataclass(frozen=True)
class Mixture:
    """What an epoch is mixed of.

    ``weights`` are by a cell's words, such as ``{"yue": 2, "ja/joy": 0.5}``; those that fit a cell
    multiply, and 0 leaves it out. ``most_repeats`` bounds how often a sample comes in an epoch.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0
    most_repeats: float = 8.0

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for figures that make no mixture."""
        if not self.temperature > 0 or not self.most_repeats > 0:
            raise UsageError(
                f"distill.batches.mixture.temperature {self.temperature} and most_repeats "
                f"{self.most_repeats} are both to be above 0; 1 and 8 are their defaults"
            )
        for words, weight in self.weights.items():
            if not 0 <= weight < float("inf"):
                raise UsageError(
                    f"distill.batches.mixture.weights gives '{words}' the weight {weight}; "
                    "set 0 or more"
                )


def repeats(mixture: Mixture, cells: Sequence[Cell], counts: Sequence[int]) -> NDArray[np.float64]:
    """Return how often a sample of each cell comes in an epoch, on average (float64 ``[cells]``).

    ``counts`` are the samples of each cell; an epoch keeps their number, but for what
    ``most_repeats`` cuts off. Raises ``UsageError`` for weights that fit no cell, or leave nothing.
    """
    known = {word for cell in cells for word in cell}
    for words in mixture.weights:
        if not any(_fits(words, cell) for cell in cells):
            raise UsageError(
                f"distill.batches.mixture.weights names '{words}', of which there is no speech; "
                f"there is {', '.join(sorted(known))}"
            )
    share = np.asarray(counts, np.float64) / sum(counts)
    wanted = share ** (1 / mixture.temperature)
    for number, cell in enumerate(cells):
        for words, weight in mixture.weights.items():
            wanted[number] *= weight if _fits(words, cell) else 1.0
    if not wanted.any():
        raise UsageError(
            "distill.batches.mixture.weights are 0 for all speech there is; leave some of it in"
        )
    often: NDArray[np.float64] = np.minimum(wanted / wanted.sum() / share, mixture.most_repeats)
    return often


def _fits(words: str, cell: Cell) -> bool:
    return all(word in cell for word in words.split("/"))


def copies(
    wanted: NDArray[np.float64], cell_of: NDArray[np.int32], seed: int, epoch: int
) -> NDArray[np.int64]:
    """Return how often each sample comes in this epoch (int64 ``[samples]``)."""
    average = wanted[cell_of]
    whole = np.floor(average + 1e-9)
    lot = np.random.Generator(np.random.PCG64(mixed(seed, epoch, 2))).random(len(cell_of))
    return (whole + (lot < average - whole)).astype(np.int64)
