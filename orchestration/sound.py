"""Samples as an audio format has them, with their mark where it has room for one."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.marking import Marks, comment, marked

MEDIA_TYPES: Final = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "pcm16": "audio/pcm",
}
_WRITTEN: Final = {
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
    "wav": ("WAV", "PCM_16"),
}
_OPUS_HZ: Final = 48_000


def as_bytes(samples: Samples, sample_rate: int, kind: str, marks: Marks) -> bytes:
    """Return mono samples (float32 in -1…1) in a format, with their mark.

    Raw PCM is 16 bits, little-endian, and bears no mark.
    """
    if kind in ("pcm", "pcm16"):
        whole: bytes = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        return whole
    if kind == "opus":
        samples, sample_rate = soxr.resample(samples, sample_rate, _OPUS_HZ), _OPUS_HZ
    container, subtype = _WRITTEN[kind]
    written = io.BytesIO()
    is_lossless = kind in ("flac", "wav")
    with soundfile.SoundFile(
        written, "w", sample_rate, 1, subtype, format=container, closefd=False
    ) as file:
        if not is_lossless:
            file.comment = comment(marks)
        file.write(samples)
    return marked(written.getvalue(), marks) if is_lossless else written.getvalue()


def write_wav(place: Path, samples: Samples, sample_rate: int, marks: Marks) -> None:
    """Write mono ``samples`` in -1…1 as a WAV of 16 bits that appears when it is whole.

    Raises ``UsageError`` where that cannot be.
    """
    hidden = place.with_name(f".{place.name}.new")
    try:
        hidden.write_bytes(as_bytes(samples, sample_rate, "wav", marks))
        hidden.replace(place)
    except OSError as error:
        raise UsageError(
            f"{place} cannot be written ({error.strerror}); name another place"
        ) from error
    finally:
        with suppress(OSError):
            hidden.unlink()
