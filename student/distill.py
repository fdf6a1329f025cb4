"""Losses of distillation: from the codes that a teacher spoke, and from what it would have said.

All of them look at target places alone: a place is one id to foretell, in slot 0 to 4 of
``L L S S S``; the end of the turn stands in slot 0. Two codebooks take turns there, so most of a
vocabulary is illegal at each place: slot 0 allows the linguistic entries and the end, slot 1 the
linguistic entries, slots 2 to 4 the semantic ones. A **slot-aware** loss knows that and asks
nothing of the student that constrained sampling takes care of. It slices, it does not mask: of
the 5440 columns of the compact vocabulary 2867 are left on average, of the released 74,752 just as
many; and ``distillation_loss_of_hidden`` does not even compute the others.

A teacher comes as full logits (on-policy) or as its cached top-k with the tail's mass
(``TeacherTop``). The tail is one bucket there: all that the teacher did not name, taken together,
on both sides. Bucketing never makes a divergence greater (data processing), and mixtures are
bucketed alike; so what is minimised is a lower bound of the full divergence, whichever it is. The
forward KL falls short by exactly the teacher's tail mass times the KL within the tail.

Sums and counts come back, not means, so that micro batches and ranks can be averaged exactly: add
them all, then divide. Softmax and sums run in float32 whatever the logits are.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Vocabulary
from lauter.datasets.top_logits import TopLogits, concatenate
from lauter.student.divergence import DIVERGENCES, Buckets
from lauter.student.legal import LegalPart, legal_parts

LEAST_LOG_PROBABILITY: Final = -16.0
"""A cached probability below ``exp(-16)`` (1.1e-7) counts as that much: a reverse KL stays finite
where the teacher named nothing, and the cache is no finer anyway."""


@dataclass(frozen=True)
class LossSettings:
    """Which loss, and how its parts are weighed.

    ``kind``: ``sequence`` (cross-entropy with the codes, no teacher needed), or a divergence from
    the teacher's distribution: ``forward_kl``, ``reverse_kl``, ``jensen_shannon``, ``skewed_kl``,
    ``skewed_reverse_kl`` (``divergence.py`` has the formulas). With a divergence, a place's loss is
    ``(1 - teacher_weight) · cross-entropy + teacher_weight · temperature² · divergence``; the
    square keeps the gradient's size when the temperature changes (arXiv 1503.02531).
    ``temperature`` of a stream flattens teacher and student alike, in the divergence alone.
    ``skew`` is the share that the first side has in the mixture of a skewed KL: the teacher in
    ``skewed_kl``, the student in ``skewed_reverse_kl``. ``slot_aware=False`` takes the softmax
    over the whole vocabulary.
    """

    kind: str = "sequence"
    teacher_weight: float = 0.5
    linguistic_temperature: float = 1.0
    semantic_temperature: float = 1.0
    linguistic_weight: float = 1.0
    semantic_weight: float = 1.0
    skew: float = 0.1
    slot_aware: bool = True

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for settings that make no loss."""
        if self.kind != "sequence" and self.kind not in DIVERGENCES:
            raise UsageError(
                f"there is no loss '{self.kind}'; set distill.loss.kind to sequence or "
                f"{', '.join(DIVERGENCES)}"
            )
        for name in ("teacher_weight", "skew"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(
                    f"distill.loss.{name} is a share, not {getattr(self, name):g}; give 0 to 1"
                )
        if "skewed" in self.kind and self.skew == 1:
            raise UsageError(
                "a skew of 1 compares one side with itself; set distill.loss.skew to 0.1, or less"
            )
        for name in ("linguistic_temperature", "semantic_temperature"):
            if not getattr(self, name) > 0:
                raise UsageError(
                    f"distill.loss.{name} is {getattr(self, name):g}; give one above 0"
                )
        weights = (self.linguistic_weight, self.semantic_weight)
        if not (min(weights) >= 0 and max(weights) > 0):
            raise UsageError(
                f"distill.loss.linguistic_weight {weights[0]:g} and semantic_weight {weights[1]:g} "
                "leave nothing to learn; set both to 0 or more, and one of them above 0"
            )

    @property
    def wants_teacher(self) -> bool:
        """Whether the loss needs a teacher's distributions."""
        return self.kind != "sequence" and self.teacher_weight > 0


@dataclass(frozen=True)
class TeacherTop:
    """A teacher's likeliest entries at each place, at temperature 1, among those legal there.

    ``entries`` int64 ``[places, k]`` count within the slot's book, the end of the turn being 1024;
    -1 stands after a place's last one. ``log_probabilities`` float32 ``[places, k]``; ``tail``
    float32 ``[places]`` is the mass of all entries that are not named. Vocabularies do not matter:
    a teacher may have another text tokenizer than its student.
    """

    entries: Tensor
    log_probabilities: Tensor
    tail: Tensor

    @classmethod
    def of(cls, streams: Sequence[TopLogits], device: torch.device | str = "cpu") -> "TeacherTop":
        """Return what was cached for several streams, one after the other."""
        top = concatenate(streams)
        return cls(
            torch.from_numpy(top.entries).to(device, torch.int64),
            torch.from_numpy(top.log_probabilities).to(device),
            torch.from_numpy(top.tail).to(device),
        )

    def at(self, places: Tensor) -> "TeacherTop":
        """Return what it says at some places, int64 ``[places]``."""
        return TeacherTop(
            self.entries.index_select(0, places),
            self.log_probabilities.index_select(0, places),
            self.tail.index_select(0, places),
        )


@dataclass(frozen=True)
class StreamLoss:
    """What one stream lost: float32 scalars, sums over its places times the places' weights.

    ``sequence`` (cross-entropy) and ``teacher`` (divergence, times the squared temperature) in
    nats; ``count`` is the sum of the weights, so a mean is ``sequence / count``.
    """

    sequence: Tensor
    teacher: Tensor
    count: Tensor


@dataclass(frozen=True)
class Loss:
    """What a batch lost, by stream and in all.

    ``total`` carries the gradient: the parts weighed as the settings say and summed over places.
    ``count`` is the sum of the weights in it. The loss of many micro batches on many ranks is the
    sum of their totals through the sum of their counts.
    """

    total: Tensor
    count: Tensor
    linguistic: StreamLoss
    semantic: StreamLoss

    @property
    def mean(self) -> Tensor:
        """The loss of a place on average; 0 where no place has weight."""
        return self.total / self.count.clamp(min=torch.finfo(torch.float32).tiny)

    def sums(self) -> Tensor:
        """Return all sums as one vector, float64 ``[8]`` without gradient, to be added up.

        total, count, then sequence, teacher and count of the linguistic and the semantic stream.
        """
        streams = (self.linguistic, self.semantic)
        parts = [
            part for stream in streams for part in (stream.sequence, stream.teacher, stream.count)
        ]
        return torch.stack([self.total, self.count, *parts]).detach().double()


def means(sums: Tensor) -> dict[str, float]:
    """Return the means that added ``Loss.sums`` hold: loss, and by stream sequence and teacher.

    What was not there at all has no entry.
    """
    total, count, *streams = sums.tolist()
    found = {"loss": total / count} if count else {}
    for name, (sequence, teacher, places) in (
        ("linguistic", streams[:3]),
        ("semantic", streams[3:]),
    ):
        if places:
            found[f"{name}_sequence"] = sequence / places
            found[f"{name}_teacher"] = teacher / places
    return found


def distillation_loss(
    logits: Tensor,
    targets: Tensor,
    slots: Tensor,
    settings: LossSettings,
    vocabulary: Vocabulary,
    teacher: TeacherTop | Tensor | None = None,
    weights: Tensor | None = None,
) -> Loss:
    """Return the loss of a student's ``logits``, float ``[places, vocabulary]``.

    ``targets`` int64 ``[places]`` are ids legal in their ``slots``, int64 ``[places]``; ``teacher``
    is its cached top-k, or its logits ``[places, vocabulary]`` (detached here); ``weights`` float
    ``[places]`` default to 1. Raises ``UsageError`` where the loss wants a teacher and has none.
    """
    return _loss(
        lambda part, rows: part.columns(logits).index_select(0, rows),
        targets, slots, settings, vocabulary, teacher, weights,
    )  # fmt: skip


def distillation_loss_of_hidden(
    hidden: Tensor,
    head: Tensor,
    targets: Tensor,
    slots: Tensor,
    settings: LossSettings,
    vocabulary: Vocabulary,
    teacher: TeacherTop | Tensor | None = None,
    weights: Tensor | None = None,
) -> Loss:
    """Return the same loss from a student's ``hidden`` states and its head's weight.

    ``hidden`` float ``[places, hidden]``, ``head`` ``[vocabulary, hidden]``. Slot-aware, it
    multiplies by the legal rows of the head alone: 53 % of the work with the compact vocabulary,
    4 % with the released one. (The head must lie in memory: not for ZeRO-3's partitioned weights
    outside of their module.)
    """
    return _loss(
        lambda part, rows: hidden.index_select(0, rows) @ part.columns(head.T),
        targets, slots, settings, vocabulary, teacher, weights,
    )  # fmt: skip


def _loss(
    logits_of: Callable[[LegalPart, Tensor], Tensor],
    targets: Tensor,
    slots: Tensor,
    settings: LossSettings,
    vocabulary: Vocabulary,
    teacher: TeacherTop | Tensor | None,
    weights: Tensor | None,
) -> Loss:
    if settings.wants_teacher and teacher is None:
        raise UsageError(
            f"the loss {settings.kind} wants a teacher's logits, and this batch has none; "
            "run `lauter teach` on the corpus, or train with distill.loss.kind=sequence"
        )
    weights = torch.ones_like(targets, dtype=torch.float32) if weights is None else weights.float()
    streams = []
    temperatures = (settings.linguistic_temperature, settings.semantic_temperature)
    for parts, temperature in zip(
        legal_parts(vocabulary, slot_aware=settings.slot_aware), temperatures, strict=True
    ):
        sums = torch.zeros(3, dtype=torch.float32, device=targets.device)
        for part in parts:
            rows = part.rows(slots)
            logits = logits_of(part, rows).float()
            of_place = functional.cross_entropy(
                logits, part.column_of_id(targets.index_select(0, rows)), reduction="none"
            )
            divergence = torch.zeros_like(of_place)
            if settings.wants_teacher and teacher is not None:
                buckets = _buckets(logits, teacher, rows, part, temperature)
                divergence = DIVERGENCES[settings.kind](buckets, settings.skew) * temperature**2
            weight = weights.index_select(0, rows)
            sums = sums + torch.stack([of_place @ weight, divergence @ weight, weight.sum()])
        streams.append(StreamLoss(*sums))
    linguistic, semantic = streams
    share = settings.teacher_weight if settings.wants_teacher else 0.0
    total, count = torch.zeros_like(semantic.count), torch.zeros_like(semantic.count)
    for stream, stream_weight in (
        (linguistic, settings.linguistic_weight),
        (semantic, settings.semantic_weight),
    ):
        of_stream = (1 - share) * stream.sequence + share * stream.teacher
        total = total + stream_weight * of_stream
        count = count + stream_weight * stream.count
    return Loss(total, count, linguistic, semantic)


def _buckets(
    logits: Tensor, teacher: TeacherTop | Tensor, rows: Tensor, part: LegalPart, temperature: float
) -> Buckets:
    """Return both distributions over the same buckets, at a temperature."""
    student = functional.log_softmax(logits / temperature, -1)
    if isinstance(teacher, Tensor):
        asked = part.columns(teacher.detach()).index_select(0, rows).float()
        everywhere = torch.ones_like(asked, dtype=torch.bool)
        return Buckets(functional.log_softmax(asked / temperature, -1), student, everywhere)
    top = teacher.at(rows)
    is_named = top.entries >= 0
    # A place that is filled up points at column 0, and is struck out wherever that would count.
    columns = part.column_of_entry(top.entries.clamp(min=0))
    unnamed = part.legal - is_named.sum(-1)
    has_tail = (student.shape[-1] - is_named.sum(-1)) > 0
    of_named = student.gather(-1, columns)
    of_tail = _log_mass_elsewhere(student, columns, is_named, has_tail)
    exists = torch.cat([is_named, has_tail[:, None]], -1)
    return Buckets(
        _tempered(top, unnamed, exists, temperature), torch.cat([of_named, of_tail], -1), exists
    )


def _log_mass_elsewhere(
    student: Tensor, columns: Tensor, is_named: Tensor, has_tail: Tensor
) -> Tensor:
    """Return the log-mass ``[places, 1]`` of the columns that are not named.

    By logsumexp over them, as one minus the named mass would cancel; 0 where none is left.
    """
    named = torch.zeros_like(student, dtype=torch.bool)
    named.scatter_(-1, torch.where(is_named, columns, columns[:, :1]), True)
    # With nothing named at a place, the line above has struck out column 0 there: it is given back.
    named &= is_named.any(-1, keepdim=True)
    rest = student.masked_fill(named & has_tail[:, None], -math.inf)
    return rest.logsumexp(-1, keepdim=True)


def _tempered(top: TeacherTop, unnamed: Tensor, exists: Tensor, temperature: float) -> Tensor:
    """Return the teacher's log-masses of its entries and its tail, ``[places, k + 1]``.

    Temperature 1 is exact. At others the tail is spread evenly over its entries first, as nothing
    else is known of it: the most it can weigh above 1, the least below.
    """
    log_probabilities = torch.cat(
        [top.log_probabilities.float(), top.tail.float().log()[:, None]], -1
    ).clamp(min=LEAST_LOG_PROBABILITY)
    if temperature != 1:
        log_probabilities = log_probabilities / temperature
        log_probabilities[:, -1] += unnamed.clamp(min=1).log() * (1 - 1 / temperature)
    log_probabilities = log_probabilities.masked_fill(~exists, -math.inf)
    return log_probabilities.log_softmax(-1)
