"""What a plan is reckoned with: every figure has a name here, and its source where it is set.

The values stand in ``orchestration/conf/assumptions/``, with where each was taken from. Times are
seconds of one device, shares go from 0 to 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass

from lauter.datasets.errors import UsageError
from lauter.pipelines.scaling.speech_load import SpeechLoad
from lauter.pipelines.scaling.teacher_speed import Card, SpeakingServer


@dataclass(frozen=True)
class Speech:
    """The utterances that are asked for."""

    seconds: float
    """Mean length."""
    spread: float
    """Standard deviation of the length over its mean."""
    codes_per_second: float
    """Codes that the teacher writes for a second."""
    stopped_share: float
    """Part of the utterances that cheap gates stop before the recogniser."""
    accepted_share: float
    """Part of the spoken utterances that is accepted."""


@dataclass(frozen=True)
class Teacher:
    """The model that speaks, the server it lies on, and how it is asked."""

    weights: float
    """Number of weights."""
    bytes_per_weight: float
    """2 for bfloat16."""
    layers: int
    key_value_heads: int
    head_size: int
    cards: int
    """Cards of a server, by tensor parallelism."""
    streams: int
    """Utterances that a server speaks at once (continuous batching)."""
    bandwidth_reached: float
    """Share of the memory bandwidth that is reached."""
    flops_reached: float
    """Share of the arithmetic that is reached."""
    layer_overhead_s: float
    """Seconds that the cards of a server spend on a layer's reductions."""
    memory_used: float
    """Share of the memory for weights, keys and values."""
    prompt_ids: float
    """Ids before an utterance: the system's words and the speaker's reference."""
    prompt_cached_share: float
    """Part of these whose keys and values are there from an utterance before."""
    text_ids: float
    """Ids of the text."""
    invalid_share: float
    """Part of the streams that is no valid speech and asked for again."""
    attempts: int
    """How often a request is asked at most."""
    load_s: float
    """Seconds in which a server loads the weights."""


@dataclass(frozen=True)
class Work:
    """A stage that takes as long as the speech is."""

    seconds_per_speech_second: float
    """Seconds of a card, core or writer for a second of speech."""
    batch: int
    """Utterances that a device has in hand."""
    load_s: float
    """Seconds in which a device loads its models."""


@dataclass(frozen=True)
class Cluster:
    """The machines."""

    cards_per_node: int
    """Cards that are lost together."""
    cores_per_node: int
    """Cores of a node that measure."""
    losses_per_hour: float
    """Part of the nodes that is lost in an hour."""
    replace_s: float
    """Seconds until a lost node has a successor."""
    slow_share: float
    """Part of the nodes that is slow for all its life."""
    slowdown: float
    """How many times as long these take."""
    headroom: float
    """By how much decoders and recognisers are more than the teacher needs."""
    price_per_card_hour: float
    """Price of a card for an hour, its part of the host included."""
    currency: str


@dataclass(frozen=True)
class Assumptions:
    """All of it. Raises ``UsageError`` for a figure that makes no sense."""

    speech: Speech
    card: Card
    teacher: Teacher
    decode: Work
    """Codes to sound, on cards."""
    measure: Work
    """The scorers that run on cores."""
    hear: Work
    """The recogniser, on cards."""
    commit: Work
    """The one writer of a corpus."""
    cluster: Cluster
    recognisers: Mapping[str, float]
    """Others that could be taken: seconds of a card for a second of speech."""

    def __post_init__(self) -> None:
        for group in fields(self):
            value = getattr(self, group.name)
            where = f"assumptions.{group.name}"
            if is_dataclass(value):
                for field in fields(value):
                    if field.type is not str:
                        _check(f"{where}.{field.name}", getattr(value, field.name), field.type)
            else:
                for name, figure in value.items():
                    _check(f"{where}.{name}", figure, float)
        most = self.server.most_streams(self.longest_context)
        if self.teacher.streams > most:
            advice = f"set at most {most}, or more" if most else "set more"
            raise UsageError(
                f"assumptions.teacher.streams is {self.teacher.streams}, and beside the weights "
                f"{self.teacher.cards} cards have memory for {most}; {advice} teacher.cards"
            )

    @property
    def load(self) -> SpeechLoad:
        """What flows through the plan."""
        return SpeechLoad(self.speech.seconds, self.speech.spread, self.speech.accepted_share)

    @property
    def server(self) -> SpeakingServer:
        """A server of the teacher."""
        teacher = self.teacher
        return SpeakingServer(
            card=self.card,
            cards=teacher.cards,
            weights=teacher.weights,
            bytes_per_weight=teacher.bytes_per_weight,
            layers=teacher.layers,
            key_value_heads=teacher.key_value_heads,
            head_size=teacher.head_size,
            bandwidth_reached=teacher.bandwidth_reached,
            flops_reached=teacher.flops_reached,
            layer_overhead_s=teacher.layer_overhead_s,
            memory_used=teacher.memory_used,
        )

    @property
    def context(self) -> float:
        """Ids that a stream has before it on average, half of its codes among them."""
        return self.longest_context - self._codes / 2

    @property
    def longest_context(self) -> float:
        """Ids of an utterance of mean length at its end."""
        return self.teacher.prompt_ids + self.teacher.text_ids + self._codes

    @property
    def _codes(self) -> float:
        return self.speech.seconds * self.speech.codes_per_second


_MAY_BE_NONE = {
    "spread", "stopped_share", "prompt_cached_share", "invalid_share", "slow_share", "load_s",
    "replace_s", "layer_overhead_s", "prompt_ids", "losses_per_hour", "headroom",
    "price_per_card_hour",
}  # fmt: skip
_NEVER_ALL = {"stopped_share", "invalid_share"}
"""Shares of which, were they 1, nothing would be left."""


def _check(name: str, figure: object, kind: object) -> None:
    """Raise ``UsageError`` where a figure is none, or out of its range."""
    last = name.rsplit(".", 1)[-1]
    whole = kind is int
    if isinstance(figure, bool) or not isinstance(figure, int if whole else int | float):
        raise UsageError(f"{name} is '{figure}'; set a {'whole ' if whole else ''}number")
    least = "0 or more" if last in _MAY_BE_NONE else "more than 0"
    if not math.isfinite(figure) or figure < 0 or (figure == 0 and last not in _MAY_BE_NONE):
        raise UsageError(f"{name} is {figure}; set {least}")
    if last.endswith(("_share", "_reached", "_used")) and figure > 1:
        raise UsageError(f"{name} is {figure}, which is a share; set at most 1")
    if last in _NEVER_ALL and figure == 1:
        raise UsageError(f"{name} is 1, and nothing would be left; set less")
