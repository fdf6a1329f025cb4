"""How far a student's distribution is from its teacher's: five divergences, in nats.

With teacher p and student q:

- forward KL, ``Σ p log(p / q)``: the student covers all that the teacher says;
- reverse KL, ``Σ q log(q / p)``: it says nothing that the teacher would not (arXiv 2306.08543);
- Jensen–Shannon, ``½ KL(p ‖ m) + ½ KL(q ‖ m)`` with ``m = ½ p + ½ q``: bounded by log 2 (the
  middle of the generalised ones of arXiv 2306.13649);
- skewed KL, ``KL(p ‖ α p + (1 - α) q)``, and skewed reverse KL, ``KL(q ‖ (1 - α) p + α q)``, of
  DistiLLM (arXiv 2402.03898; α = 0.1 in its authors' code): mixing the first side into the second
  keeps the ratio below 1 / α, and so the gradient bounded.

The gradient goes into the student alone.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor


@dataclass(frozen=True)
class Buckets:
    """Two distributions over the same buckets: log-masses, float ``[places, buckets]``.

    Where ``exists`` (bool) is False there is no bucket, whatever stands there.
    """

    teacher: Tensor
    student: Tensor
    exists: Tensor

    def __post_init__(self) -> None:
        # An infinite log-mass times zero is no number, in the gradient too: where there is no
        # bucket stands a harmless figure instead.
        for name in ("teacher", "student"):
            filled = torch.where(self.exists, getattr(self, name), 0.0)
            object.__setattr__(self, name, filled)


def _kl(p: Tensor, q: Tensor, exists: Tensor) -> Tensor:
    """Return ``KL(p ‖ q)`` of log-masses, ``[places]``."""
    return torch.where(exists, p.exp() * (p - q), 0.0).sum(-1)


def _mixture(p: Tensor, q: Tensor, share: float) -> Tensor:
    """Return the log-masses of ``share · p + (1 - share) · q``."""
    if share in (0, 1):
        return p if share else q
    return torch.logaddexp(p + math.log(share), q + math.log1p(-share))


def _forward(buckets: Buckets, skew: float) -> Tensor:
    return _kl(buckets.teacher, buckets.student, buckets.exists)


def _reverse(buckets: Buckets, skew: float) -> Tensor:
    return _kl(buckets.student, buckets.teacher, buckets.exists)


def _jensen_shannon(buckets: Buckets, skew: float) -> Tensor:
    middle = _mixture(buckets.teacher, buckets.student, 0.5)
    to_teacher = _kl(buckets.teacher, middle, buckets.exists)
    return (to_teacher + _kl(buckets.student, middle, buckets.exists)) / 2


def _skewed(buckets: Buckets, skew: float) -> Tensor:
    mixed = _mixture(buckets.teacher, buckets.student, skew)
    return _kl(buckets.teacher, mixed, buckets.exists)


def _skewed_reverse(buckets: Buckets, skew: float) -> Tensor:
    mixed = _mixture(buckets.student, buckets.teacher, skew)
    return _kl(buckets.student, mixed, buckets.exists)


DIVERGENCES: Final[Mapping[str, Callable[[Buckets, float], Tensor]]] = {
    "forward_kl": _forward,
    "reverse_kl": _reverse,
    "jensen_shannon": _jensen_shannon,
    "skewed_kl": _skewed,
    "skewed_reverse_kl": _skewed_reverse,
}
"""By name: functions of the buckets and the skew α, which give ``[places]``."""
