"""Samples as the bytes of an audio format."""

import io
from typing import Final

import numpy as np
import soundfile
import soxr

from lauter.datasets.audio import Samples

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


def as_bytes(samples: Samples, sample_rate: int, kind: str) -> bytes:
    """Return mono samples (float32 in -1…1) in a format; raw PCM is 16 bits, little-endian."""
    if kind in ("pcm", "pcm16"):
        whole: bytes = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        return whole
    if kind == "opus":
        samples, sample_rate = soxr.resample(samples, sample_rate, _OPUS_HZ), _OPUS_HZ
    container, subtype = _WRITTEN[kind]
    written = io.BytesIO()
    soundfile.write(written, samples, sample_rate, subtype, format=container)
    return written.getvalue()
