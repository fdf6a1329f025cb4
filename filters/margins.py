"""How far speech moved from the speaker's neutral reference, in the direction asked for.

An emotion is a direction in four measures: pitch, range, level and pace. Directions are those on
which the reviews agree (K. R. Scherer, Speech Communication 40, 2003; P. N. Juslin and P. Laukka,
Psychological Bulletin 129, 2003), sizes what one level of five may be expected to move. The four
are put on one scale by dividing each by ``SPREAD``, what they differ between two neutral
sentences of one speaker; then the margin is the least-squares answer to *how many levels did it
move*, over the level asked:

    margin = Σ dᵢ·mᵢ / (level · Σ dᵢ²)      d: direction, m: movement, both in spreads

1 is as asked, 0 not moved, negative the other way. One sentence tells little of a low level: by
chance alone the margin of level 1 spreads by 1 / √Σdᵢ², some 0.7 for joy.
"""

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace

from lauter.datasets.tags import Emotion


@dataclass(frozen=True, slots=True)
class Movement:
    """How an utterance differs from its speaker's neutral reference.

    Pitch in semitones, range in octaves (twice as wide is 1), level in dB, pace in octaves (twice
    as fast is 1; None where it is not known).
    """

    pitch_st: float
    range_octaves: float
    energy_db: float
    rate_octaves: float | None


SPREAD = Movement(pitch_st=0.6, range_octaves=0.2, energy_db=0.8, rate_octaves=0.15)
"""Standard deviation of the difference between two neutral sentences of one speaker.

Measured over voices of Kokoro: 0.45, 0.14, 0.1 and 0.12; wider here, for voices that are recorded
and not levelled by the studio.
"""

DIRECTIONS: Mapping[str, Movement] = {
    Emotion.JOY: Movement(0.6, 0.15, 0.7, 0.03),
    Emotion.SADNESS: Movement(-0.5, -0.2, -0.8, -0.08),
    Emotion.ANGER: Movement(0.4, 0.12, 1.2, 0.05),
    Emotion.FEAR: Movement(0.8, -0.12, -0.4, 0.06),
    Emotion.CUTE: Movement(0.9, 0.1, 0.0, -0.02),
}
"""What one level of each emotion is expected to move."""

SPEED_LEVEL_OCTAVES = math.log2(1.1)
"""What one level of speed is expected to move: a tenth."""


def emotion_margin(moved: Movement, emotion: str, level: int, speed_level: int) -> float | None:
    """Return the margin of an emotion at ``level``; None for neutral.

    Where a speed was asked for as well, what it is expected to move is taken from the pace.
    """
    direction = DIRECTIONS.get(emotion)
    if direction is None or level == 0:
        return None
    of_itself = replace(
        moved,
        rate_octaves=None
        if moved.rate_octaves is None
        else moved.rate_octaves - speed_level * SPEED_LEVEL_OCTAVES,
    )
    known = [
        (expected / spread, found / spread)
        for expected, found, spread in zip(
            astuple(direction), astuple(of_itself), astuple(SPREAD), strict=True
        )
        if found is not None
    ]
    along = sum(expected * found for expected, found in known)
    return float(along / (level * sum(expected * expected for expected, _ in known)))


def speed_margin(moved: Movement, speed_level: int, emotion: str, level: int) -> float | None:
    """Return how much of the asked change of pace was made; None where none was asked or known.

    What the emotion is expected to move is taken from the pace.
    """
    if speed_level == 0 or moved.rate_octaves is None:
        return None
    direction = DIRECTIONS.get(emotion)
    felt = direction.rate_octaves * level if direction and direction.rate_octaves else 0.0
    return (moved.rate_octaves - felt) / (speed_level * SPEED_LEVEL_OCTAVES)
