"""How fast the codec's parts learn."""

import math


def cosine_rate(step: int, steps: int, first: float, last: float, warm_up: int = 200) -> float:
    """Return the learning rate of a step: a short warm-up, then half a cosine."""
    falling = last + (first - last) * 0.5 * (1 + math.cos(math.pi * step / steps))
    return falling * min(1.0, (step + 1) / warm_up)
