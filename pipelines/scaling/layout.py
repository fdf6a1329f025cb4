"""From assumptions and a number of cards to stages: who gets which cards, cores and writers."""

import math
from dataclasses import dataclass, replace

from lauter.datasets.errors import UsageError
from lauter.pipelines.scaling.assumptions import Assumptions, Work
from lauter.pipelines.scaling.closed_form import bottleneck, capacity
from lauter.pipelines.scaling.stages import PlannedStage

SPEAK, DECODE, MEASURE, HEAR, COMMIT = "speak", "decode", "measure", "hear", "commit"
QUEUE = 1
"""Parcels that may wait for a node: in a large plan a parcel is many batches already."""
_SPARE_WRITING = 1.2
"""Writers are so many times as fast as the rest, where their number is left open."""


@dataclass(frozen=True)
class Layout:
    """A plan: assumptions, cards, and what may be chosen of their use.

    ``writers`` is the number of corpora written side by side, None: as many as it takes.
    ``heard`` is the number of recogniser cards for each card of the teacher, None: as many as the
    teacher needs and the headroom more. ``happens`` is what is met with instead of what the plan
    was laid out for, such as more losses.
    """

    assumptions: Assumptions
    cards: int
    writers: int | None = None
    heard: float | None = None
    happens: Assumptions | None = None

    def stages(self) -> tuple[PlannedStage, ...]:
        """Return the stages in their order; raises ``UsageError`` where the cards are too few."""
        servers, decoding, hearing = self._shared_out()
        planned = _stages(self.assumptions, self.cards, servers, decoding, hearing)
        writers = self.writers or _writers_for(planned, self.assumptions)
        met_with = self.happens or self.assumptions
        stages = _stages(met_with, self.cards, servers, decoding, hearing)
        return (*stages, replace(_one_writer(met_with), devices=writers))

    def _shared_out(self) -> tuple[int, int, int]:
        """Return the number of servers, of decoding cards and of recogniser cards.

        As many servers as leave enough for the others; what is then left over goes to these.
        """
        assumptions, each = self.assumptions, self.assumptions.teacher.cards
        spare = 1 + assumptions.cluster.headroom
        decoded = balanced_decoding(assumptions) * spare
        heard = balanced_heard(assumptions) * spare if self.heard is None else self.heard
        for servers in range(self.cards // each, 0, -1):
            decoding = math.ceil(servers * each * decoded)
            hearing = max(1, math.ceil(servers * each * heard))
            left = self.cards - servers * each - decoding - hearing
            if left >= 0:
                more = round(left * heard / (decoded + heard))
                return servers, decoding + left - more, hearing + more
        least = each + math.ceil(each * decoded) + math.ceil(each * heard)
        raise UsageError(
            f"{self.cards} cards are too few: a server of the teacher takes {each}, and what it "
            f"says is decoded and heard on others; take {least} or more"
        )


def _stages(
    assumptions: Assumptions, cards: int, servers: int, decoding: int, hearing: int
) -> tuple[PlannedStage, ...]:
    return (
        speaking(assumptions, servers),
        _on_cards(assumptions, DECODE, decoding),
        _measuring(assumptions, cards),
        _on_cards(assumptions, HEAR, hearing),
    )


def _writers_for(stages: tuple[PlannedStage, ...], assumptions: Assumptions) -> int:
    asked = bottleneck(stages, assumptions.load).requests_per_second * _SPARE_WRITING
    return math.ceil(asked / capacity(_one_writer(assumptions), assumptions.load))


def _one_writer(assumptions: Assumptions) -> PlannedStage:
    """Return the stage of one writer; it sits with the driver, on a node that is not lost."""
    seconds = assumptions.commit.seconds_per_speech_second
    return PlannedStage(COMMIT, 1, seconds_per_speech_second=seconds, queue=QUEUE)


def speaking(assumptions: Assumptions, servers: int) -> PlannedStage:
    """Return the stage of the teacher's servers.

    A request is read (what is not cached of its prompt, and its text), and then takes its part of
    the steps of a full batch.
    """
    teacher, cluster, server = assumptions.teacher, assumptions.cluster, assumptions.server
    read = teacher.prompt_ids * (1 - teacher.prompt_cached_share) + teacher.text_ids
    step_s = server.step_seconds(teacher.streams, assumptions.context)
    together = max(1, cluster.cards_per_node // teacher.cards)
    nodes_of_one = math.ceil(teacher.cards / cluster.cards_per_node)
    return PlannedStage(
        SPEAK,
        servers,
        devices_per_node=together,
        cards_per_device=teacher.cards,
        seconds_per_request=server.reading_seconds(read),
        seconds_per_speech_second=assumptions.speech.codes_per_second * step_s / teacher.streams,
        batch=teacher.streams * together,
        invalid_share=teacher.invalid_share,
        attempts=teacher.attempts,
        queue=QUEUE,
        slow_share=cluster.slow_share,
        slowdown=cluster.slowdown,
        # A server dies with any of its nodes.
        losses_per_hour=cluster.losses_per_hour * nodes_of_one,
        replace_s=cluster.replace_s,
        load_s=teacher.load_s,
    )


def balanced_heard(
    assumptions: Assumptions, seconds_per_speech_second: float | None = None
) -> float:
    """Return how many recogniser cards keep up with a card of the teacher, by the closed form.

    ``seconds_per_speech_second`` is another recogniser's than the assumptions'.
    """
    hearing = _on_cards(assumptions, HEAR, 1)
    if seconds_per_speech_second is not None:
        hearing = replace(hearing, seconds_per_speech_second=seconds_per_speech_second)
    return _keeping_up(assumptions, hearing)


def balanced_decoding(assumptions: Assumptions) -> float:
    """Return how many decoding cards keep up with a card of the teacher, by the closed form."""
    return _keeping_up(assumptions, _on_cards(assumptions, DECODE, 1))


def _keeping_up(assumptions: Assumptions, one_card: PlannedStage) -> float:
    teacher, load = speaking(assumptions, 1), assumptions.load
    return capacity(teacher, load) / assumptions.teacher.cards / capacity(one_card, load)


def _on_cards(assumptions: Assumptions, name: str, cards: int) -> PlannedStage:
    heard = 1 - assumptions.speech.stopped_share
    work: Work = assumptions.hear if name == HEAR else assumptions.decode
    return _stage(
        assumptions,
        name,
        work,
        devices=cards,
        devices_per_node=assumptions.cluster.cards_per_node,
        cards_per_device=1,
        share=heard if name == HEAR else 1.0,
    )


def _measuring(assumptions: Assumptions, cards: int) -> PlannedStage:
    """Return the stage of the cores that stand beside the cards."""
    cores = assumptions.cluster.cores_per_node
    nodes = math.ceil(cards / assumptions.cluster.cards_per_node)
    return _stage(
        assumptions,
        MEASURE,
        assumptions.measure,
        devices=nodes * cores,
        devices_per_node=cores,
        cards_per_device=0,
    )


def _stage(
    assumptions: Assumptions,
    name: str,
    work: Work,
    *,
    devices: int,
    devices_per_node: int,
    cards_per_device: float,
    share: float = 1.0,
) -> PlannedStage:
    cluster = assumptions.cluster
    return PlannedStage(
        name,
        devices,
        devices_per_node=devices_per_node,
        cards_per_device=cards_per_device,
        seconds_per_speech_second=work.seconds_per_speech_second,
        batch=work.batch * devices_per_node,
        share=share,
        queue=QUEUE,
        slow_share=cluster.slow_share,
        slowdown=cluster.slowdown,
        losses_per_hour=cluster.losses_per_hour,
        replace_s=cluster.replace_s,
        load_s=work.load_s,
    )
