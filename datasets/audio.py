"""Audio in and out: FLAC bytes, arrays, resampling.

A ``Clip`` decodes its bytes when they are first needed and keeps what it decoded, so that ten
scorers of one utterance decode it once; one that needs no samples costs nothing.
"""

import io
from functools import cached_property

import numpy as np
import soundfile
import soxr
from lauter.datasets.errors import UsageError
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono audio, float32 ``[samples]``, in -1…1."""


def encode_flac(samples: Samples, sample_rate: int) -> bytes:
    """Return ``samples`` as a 16-bit mono FLAC file; the same samples give the same bytes.

    Values outside -1…1 are clipped. ``sample_rate`` is in Hz.
    """
    buffer = io.BytesIO()
    quantised = np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    soundfile.write(buffer, quantised, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def decode_audio(data: bytes) -> tuple[Samples, int]:
    """Return samples (mixed to mono) and sample rate of FLAC, WAV, OGG or MP3 bytes.

    Raises ``UsageError`` where the bytes are no readable audio.
    """
    try:
        samples, sample_rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UsageError(
            f"an audio of {len(data)} bytes cannot be decoded ({error}); "
            "it is damaged or in a format other than FLAC, WAV, OGG or MP3"
        ) from error
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    return np.ascontiguousarray(mono, dtype=np.float32), int(sample_rate)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Return ``samples`` at another rate (soxr, high quality)."""
    if from_hz == to_hz:
        return samples
    resampled: Samples = soxr.resample(samples, from_hz, to_hz).astype(np.float32)
    return resampled


class Clip:
    """One piece of audio, decoded on demand.

    ``encoded`` is the file's bytes as they stand in the corpus.
    """

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded
        self._resampled: dict[int, Samples] = {}

    @classmethod
    def of(cls, samples: Samples, sample_rate: int) -> "Clip":
        """Return a clip of ``samples``, encoded as FLAC."""
        return cls(encode_flac(samples, sample_rate))

    @cached_property
    def _decoded(self) -> tuple[Samples, int]:
        return decode_audio(self.encoded)

    @property
    def samples(self) -> Samples:
        """Samples at the clip's own rate."""
        return self._decoded[0]

    @property
    def sample_rate(self) -> int:
        """Samples per second, in Hz."""
        return self._decoded[1]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def at(self, sample_rate: int) -> Samples:
        """Return the samples at ``sample_rate`` Hz; each rate is computed once."""
        if sample_rate not in self._resampled:
            self._resampled[sample_rate] = resample(self.samples, self.sample_rate, sample_rate)
        return self._resampled[sample_rate]
