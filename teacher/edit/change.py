"""A change of voice is a vector, and editing again is adding it.

Every component is on a scale where doing it twice is twice as much: semitones, decibels, octaves,
logarithms of factors. So ``change * 3`` *is* three edits, one upon the other, and the law

    apply(frames, a + b) == apply(apply(frames, a), b)

holds to rounding (formants: to the interpolation of the spectrum). A level costs what one edit
costs and loses no more quality; tests hold the law over random changes.
"""

from dataclasses import astuple, dataclass, replace

import numpy as np

from lauter.teacher.edit.world import Floats, Frames

TILT_PIVOT_HZ = 1000.0
_TILT_FLOOR_HZ = 100.0
"""Below, tilt no longer rises or falls: there is nothing there but rumble to lift."""

_POWER_FLOOR = 1e-16


@dataclass(frozen=True, slots=True)
class Change:
    """What one edit does to a voice; all zero: nothing.

    ``pitch_semitones`` moves the pitch. ``range_octaves`` is log2 of the factor by which the
    pitch's deviations from its median grow, in semitones. ``energy_db`` moves the active level.
    ``rate_octaves`` is log2 of the factor of pace. ``tilt_db_per_octave`` brightens (or, below
    zero, darkens) about 1 kHz. ``formant_octaves`` is log2 of the factor by which the formants
    move, as if the vocal tract were so much shorter. ``breath_db`` raises the ratio of noise to
    tone. ``tremor_semitones`` deepens the trembling of the pitch.
    """

    pitch_semitones: float = 0.0
    range_octaves: float = 0.0
    energy_db: float = 0.0
    rate_octaves: float = 0.0
    tilt_db_per_octave: float = 0.0
    formant_octaves: float = 0.0
    breath_db: float = 0.0
    tremor_semitones: float = 0.0

    def __add__(self, other: "Change") -> "Change":
        """One change, then the other."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Change(*(mine + theirs for mine, theirs in pairs))

    def __mul__(self, times: int) -> "Change":
        """The same change so many times."""
        return Change(*(amount * times for amount in astuple(self)))


def apply(frames: Frames, change: Change) -> Frames:
    """Return ``frames`` with their voice changed."""
    return replace(
        frames,
        f0_hz=_pitched(frames, change),
        spectrum=_coloured(frames, change),
        aperiodicity=_breathed(frames.aperiodicity, change.breath_db),
        frame_s=frames.frame_s * 2**-change.rate_octaves,
        level_dbfs=frames.level_dbfs + change.energy_db,
        tremor_semitones=frames.tremor_semitones + change.tremor_semitones,
    )


def _pitched(frames: Frames, change: Change) -> Floats:
    median_hz = frames.median_f0_hz
    if not median_hz or not (change.pitch_semitones or change.range_octaves):
        return frames.f0_hz
    shifted = median_hz * 2 ** (change.pitch_semitones / 12)
    deviations = np.where(frames.voiced, frames.f0_hz, median_hz) / median_hz
    return np.where(frames.voiced, shifted * deviations**2**change.range_octaves, 0.0)


def _coloured(frames: Frames, change: Change) -> Floats:
    spectrum = frames.spectrum
    frequencies = frames.frequencies_hz
    if change.formant_octaves:
        logarithms = np.log(np.maximum(spectrum, _POWER_FLOOR))
        spectrum = np.exp(_read_at(logarithms, 2**-change.formant_octaves))
    if change.tilt_db_per_octave:
        octaves = np.log2(np.maximum(frequencies, _TILT_FLOOR_HZ) / TILT_PIVOT_HZ)
        spectrum = spectrum * 10 ** (change.tilt_db_per_octave * octaves / 10)
    return spectrum


def _read_at(rows: Floats, factor: float) -> Floats:
    """Return ``rows`` ``[frames, bins]`` with bin k read at k · factor, between bins linearly."""
    last = rows.shape[1] - 1
    places = np.minimum(np.arange(last + 1) * factor, last)
    below = np.minimum(places.astype(np.int64), last - 1)
    share = places - below
    read: Floats = rows[:, below] * (1 - share) + rows[:, below + 1] * share
    return read


def _breathed(aperiodicity: Floats, breath_db: float) -> Floats:
    if not breath_db:
        return aperiodicity
    # The ratio of noise to tone is a²/(1-a²) in power; scaling it keeps a inside 0…1.
    noise = np.square(aperiodicity)
    louder = noise * 10 ** (breath_db / 10)
    share: Floats = np.sqrt(louder / (louder + (1 - noise)))
    return share
