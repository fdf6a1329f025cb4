"""The scores that come with Lauter: which scorer adds which columns.

Kept apart from the scorers, whose import takes seconds (torch, pyworld), so that every command
can check a policy at once; a test holds the two together. A gate may read the score of a scorer
that is not configured: it is then not applicable, as wherever a figure is missing, and a gate
marked ``required`` fails.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from lauter.datasets.records import UTTERANCE_SCHEMA
from lauter.filters.edit_steps import STEP_FIELDS
from lauter.filters.near_duplicates import DUPLICATE_FIELDS


def no_figures(fields: Iterable[pa.Field]) -> set[str]:
    """Return the names of the columns that a gate cannot compare with a bound."""
    return {
        field.name
        for field in fields
        if not (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
    }


SCORES: Mapping[str, tuple[str, ...]] = {
    "level": ("clipped_ratio", "peak_db", "energy_db"),
    "vad": (
        "speech_ratio",
        "speech_s",
        "leading_silence_s",
        "trailing_silence_s",
        "longest_pause_s",
    ),
    "duration": ("characters_per_second", "pace"),
    "sound": ("sound_print",),
    "speaker": ("speaker_similarity", "speaker_embedding", "voice_consistency"),
    "mos": ("mos", "mos_signal", "mos_background"),
    "asr": ("transcript", "asr_confidence", "asr_language_probability"),
    "error_rate": ("cer", "wer", "syllable_error_rate", "mistakes"),
    "emotion": ("emotion_heard", "emotion_probability"),
    "prosody": (
        "f0_mean_hz",
        "f0_median_hz",
        "f0_range_st",
        "syllable_rate",
        "voiced_ratio",
        "spectral_tilt_db",
        "emotion_margin",
        "speed_margin",
    ),
}
"""Columns by scorer."""

SONG_SCORES: Mapping[str, tuple[str, ...]] = {
    "harvest": ("voice_over_rest_db", "song_voice_similarity", "timing_shift_s"),
    "melody": ("pitch_accuracy", "raw_pitch_accuracy"),
    "beat": ("beat_alignment",),
}
"""Columns of what is measured of songs alone: by the harvest and the scorers of filters=song."""


NO_FIGURES = frozenset(
    {
        *no_figures(UTTERANCE_SCHEMA),
        *no_figures(DUPLICATE_FIELDS),
        *("sound_print", "speaker_embedding", "transcript", "mistakes", "emotion_heard"),
    }
)
"""The shipped columns that are no numbers."""


def known_scores(measured: Iterable[str]) -> set[str]:
    """Return the columns that a gate may read: those ``measured`` here, and all shipped ones."""
    return {
        *measured,
        *(column for columns in (*SCORES.values(), *SONG_SCORES.values()) for column in columns),
        *UTTERANCE_SCHEMA.names,
        *(field.name for field in (*DUPLICATE_FIELDS, *STEP_FIELDS)),
    }
