"""What a pencil says: each stage's capacity alone, and the least of them.

No queue, no chance: it is what the simulation must come to where neither matters, and the bound
that it can never exceed by more than chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lauter.pipelines.scaling.speech_load import SpeechLoad
from lauter.pipelines.scaling.stages import PlannedStage


@dataclass(frozen=True)
class Bottleneck:
    """The stage that binds, and the requests a second that come in when it is busy."""

    stage: str
    requests_per_second: float


def bottleneck(stages: Sequence[PlannedStage], load: SpeechLoad) -> Bottleneck:
    """Return the stage with the least capacity for what is still alive when it comes there."""
    alive, found = 1.0, []
    for stage in stages:
        found.append(Bottleneck(stage.name, capacity(stage, load) / alive if alive else math.inf))
        alive *= 1 - stage.invalid_share**stage.attempts
    return min(found, key=lambda one: one.requests_per_second)


def capacity(stage: PlannedStage, load: SpeechLoad) -> float:
    """Return the requests a second that a stage could take, were it alone."""
    seconds = request_seconds(stage, load)
    return stage.devices * up_share(stage, load) / seconds if seconds else math.inf


def request_seconds(stage: PlannedStage, load: SpeechLoad) -> float:
    """Return the mean time of one device for a request: attempts, and those that pass by."""
    once = stage.device_seconds(1, load.seconds)
    return once * stage.mean_attempts * stage.share


def up_share(stage: PlannedStage, load: SpeechLoad) -> float:
    """Return which part of its devices' time goes into work that is not lost again.

    A node lives 1/rate on average, is then missed while it is replaced and loads (renewal theory:
    up over up and down), and takes half of what it had in hand with it. Slow nodes count for what
    they do.
    """
    rate = stage.losses_per_hour / 3600
    available = 1 / (1 + rate * (stage.replace_s + stage.load_s))
    pace = 1 - stage.slow_share + stage.slow_share / stage.slowdown
    per_node = min(stage.devices, stage.devices_per_node)
    in_hand_s = stage.batch / 2 * request_seconds(stage, load) / per_node
    return available * pace * max(0.0, 1 - rate * in_hand_s)
