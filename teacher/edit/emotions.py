"""What each emotion does to a neutral voice, once.

The directions are those on which the reviews of the acoustic correlates of emotion agree:
K. R. Scherer, *Vocal communication of emotion: A review of research paradigms*, Speech
Communication 40 (2003), table 2; P. N. Juslin and P. Laukka, *Communication of emotions in vocal
expression and music performance*, Psychological Bulletin 129 (2003), table 11. The sizes are
ours: small enough that five of them are still the same speaker, and understood. ``cute`` is in
neither review; it does what makes a voice sound young: higher, livelier, a shorter vocal tract.

These are edits of a signal. Nobody feels anything: no laughter, no sobbing, no chosen words.
"""

import math

from lauter.datasets.tags import Emotion
from lauter.teacher.edit.change import Change


def factor(ratio: float) -> float:
    """Return a factor as the octaves in which changes are counted."""
    return math.log2(ratio)


EMOTIONS = {
    # High, wide, louder, a little faster, bright.
    Emotion.JOY: Change(
        pitch_semitones=0.7,
        range_octaves=factor(1.11),
        energy_db=0.7,
        rate_octaves=factor(1.025),
        tilt_db_per_octave=0.3,
    ),
    # Low, narrow, soft, slow, dark, breathy.
    Emotion.SADNESS: Change(
        pitch_semitones=-0.5,
        range_octaves=factor(0.86),
        energy_db=-0.9,
        rate_octaves=factor(0.95),
        tilt_db_per_octave=-0.4,
        breath_db=1.5,
    ),
    # Loud and bright above all; wide, fast, somewhat higher.
    Emotion.ANGER: Change(
        pitch_semitones=0.4,
        range_octaves=factor(1.10),
        energy_db=1.2,
        rate_octaves=factor(1.035),
        tilt_db_per_octave=0.5,
    ),
    # High and narrow, fast, soft, trembling.
    Emotion.FEAR: Change(
        pitch_semitones=0.8,
        range_octaves=factor(0.91),
        energy_db=-0.4,
        rate_octaves=factor(1.045),
        breath_db=0.7,
        tremor_semitones=0.12,
    ),
    # High and lively, from a smaller mouth, drawn out a little.
    Emotion.CUTE: Change(
        pitch_semitones=0.9,
        range_octaves=factor(1.10),
        rate_octaves=factor(0.98),
        formant_octaves=factor(1.016),
        breath_db=0.5,
    ),
}
"""One level of each emotion; level n is n of them, one upon the other."""
