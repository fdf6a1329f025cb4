"""Writes speech as a WAV file that appears when it is whole."""

from pathlib import Path

import soundfile

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError


def write_wav(place: Path, samples: Samples, sample_rate: int) -> None:
    """Write mono ``samples`` in -1…1 in 16 bits; raises ``UsageError`` where that cannot be."""
    hidden = place.with_name(f".{place.name}.new")
    try:
        soundfile.write(hidden, samples, sample_rate, "PCM_16", format="WAV")
    except soundfile.LibsndfileError as error:
        raise UsageError(f"{place} cannot be written ({error}); name another place") from error
    hidden.replace(place)
