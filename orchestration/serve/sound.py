"""Samples as the bytes of an audio format, with their mark where the format has room for one."""

import io
from typing import Final

import numpy as np
import soundfile
import soxr

from lauter.datasets.audio import Samples
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
