"""How a student draws its codes, as `speaking.…` says: for whoever lets one speak."""

from typing import TYPE_CHECKING

from omegaconf import DictConfig

if TYPE_CHECKING:
    from lauter.student.generation import Sampling


def sampling_of(settings: DictConfig) -> "Sampling":
    """Return the sampling that the settings ask for; raises ``UsageError`` where it cannot be."""
    from lauter.student.generation import Sampling

    speaking = settings.speaking
    return Sampling(
        temperature=speaking.temperature,
        top_p=speaking.top_p,
        repetition_window=speaking.repetition_window,
        repetition_threshold=speaking.repetition_threshold,
        max_codes=speaking.max_codes,
    )
