"""Plans small enough to be simulated in a blink."""

from pathlib import Path

from hydra.utils import instantiate
from omegaconf import OmegaConf

import lauter.orchestration
from lauter.pipelines.scaling.assumptions import Assumptions
from lauter.pipelines.scaling.speech_load import SpeechLoad
from lauter.pipelines.scaling.stages import PlannedStage

ASSUMPTIONS = Path(next(iter(lauter.orchestration.__path__))) / "conf" / "assumptions"
LOAD = SpeechLoad(seconds=5.0, spread=0.5, accepted_share=0.8)


def assumed(name: str = "h100") -> Assumptions:
    """Return the assumptions of a file."""
    found: Assumptions = instantiate(OmegaConf.load(ASSUMPTIONS / f"{name}.yaml"))
    return found


def chain(**of_the_first: float) -> tuple[PlannedStage, ...]:
    """Return three stages, of which the first binds; it is as the caller says."""
    options = {"devices": 4, "seconds_per_request": 1.0, "batch": 2, **of_the_first}
    return (
        PlannedStage("speak", **options),  # type: ignore[arg-type]
        PlannedStage("score", 4, seconds_per_speech_second=0.05, batch=2),
        PlannedStage("commit", 1, seconds_per_request=0.01),
    )
