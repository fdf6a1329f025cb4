"""Writes speech as a WAV file, with its mark, that appears when it is whole."""

import io
from pathlib import Path

import soundfile

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.marking import Marks, marked


def write_wav(place: Path, samples: Samples, sample_rate: int, marks: Marks) -> None:
    """Write mono ``samples`` in -1…1 in 16 bits; raises ``UsageError`` where that cannot be."""
    hidden = place.with_name(f".{place.name}.new")
    wav = io.BytesIO()
    soundfile.write(wav, samples, sample_rate, "PCM_16", format="WAV")
    try:
        hidden.write_bytes(marked(wav.getvalue(), marks))
    except OSError as error:
        raise UsageError(
            f"{place} cannot be written ({error.strerror}); name another place"
        ) from error
    hidden.replace(place)
