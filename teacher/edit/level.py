"""How loud speech is, measured where there is speech, and setting it.

Anger may be 6 dB louder than calm only if calm leaves room for it. So all speech of the studio,
edited or not, stands at the same base level first, 23 dB under full scale; that leaves the peaks
of neutral speech 6 dB and more under full scale, and those of an angry voice unclipped.
"""

import numpy as np

from lauter.datasets.audio import Samples

BASE_DBFS = -23.0
"""Active level of neutral speech, in dB relative to full scale."""

SILENCE_DBFS = -120.0
"""What has no more than this has no level worth setting."""

CEILING = float(10 ** (-1 / 20))
"""Peaks above -1 dBFS are bent, smoothly, and never reach full scale."""

_FRAME_S = 0.025
_GATE_DB = -25.0
_LOUD_QUANTILE = 0.95


def active_level(samples: Samples, sample_rate: int) -> float:
    """Return the RMS level of ``samples`` in dBFS over its active stretches alone.

    Active are the 25 ms within 25 dB of its loud parts, so pauses do not count and a gain of
    g dB moves the figure by exactly g. Silence gives ``SILENCE_DBFS``.
    """
    size = round(_FRAME_S * sample_rate)
    whole = len(samples) // size * size
    wave = samples[:whole] if whole else samples
    frames = np.reshape(wave.astype(np.float64), (-1, size if whole else len(wave)))
    powers = np.mean(frames**2, axis=1) if frames.size else np.zeros(1)
    loud = float(np.quantile(powers, _LOUD_QUANTILE))
    active = powers[powers >= loud * 10 ** (_GATE_DB / 10)]
    return float(max(SILENCE_DBFS, 10 * np.log10(max(float(np.mean(active)), 1e-30))))


def at_level(samples: Samples, sample_rate: int, level_dbfs: float) -> Samples:
    """Return ``samples`` at an active level of ``level_dbfs``, peaks bent below full scale."""
    gain_db = level_dbfs - active_level(samples, sample_rate)
    return softly_limited(samples * np.float32(10 ** (gain_db / 20)))


def base_level(samples: Samples, sample_rate: int) -> Samples:
    """Return ``samples`` at the base level from which all edits start; silence stays silence.

    Apply it to whatever a voice speaks, *before* ``edit`` and also where nothing is edited: an
    edit moves the level of what it is given, so two utterances' energies can be compared only if
    both started here.
    """
    if active_level(samples, sample_rate) <= SILENCE_DBFS:
        return samples
    return at_level(samples, sample_rate, BASE_DBFS)


def softly_limited(samples: Samples) -> Samples:
    """Return ``samples`` with what lies above the ceiling bent towards full scale."""
    sizes = np.abs(samples)
    if not len(sizes) or sizes.max() <= CEILING:
        return samples
    room = 1 - CEILING
    excess = np.maximum(0, sizes - CEILING) / room
    bent = CEILING + room * excess / (1 + excess)
    limited: Samples = np.where(sizes > CEILING, np.sign(samples) * bent, samples)
    return limited.astype(np.float32)
