"""Audio in and out: FLAC bytes, arrays, resampling.

What is stored is 16-bit: a float sample s stands as the nearest of 32768 s, so decoding and
encoding again changes nothing. Audio that cannot be what it says (cut off, without samples, with
samples that are no numbers) is refused here, so that no figure is ever taken from it.

A ``Clip`` decodes its bytes when they are first needed and keeps what it decoded, so that ten
scorers of one utterance decode it once; one that needs no samples costs nothing. What was encoded
shortly before in the same process is not decoded at all: its samples are still at hand.
"""

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import digest
from lauter.datasets.wav import PlainWav, plain_wav

Samples = NDArray[np.float32]
"""Mono audio, float32 ``[samples]``, in -1…1."""

Integers = NDArray[np.int16]
"""Mono audio as it is stored, int16 ``[samples]``: 32768 times the samples."""

AUDIO_DOMAIN = "lauter.audio.v1"

OpenAudio: TypeAlias = soundfile.SoundFile | PlainWav

_EXACT_IN_16_BITS = frozenset({"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW"})
_ESTIMATE_OF_MP3 = 0.95
"""An MP3 without an info tag does not know its length: what it states is an estimate."""


class RecentlyEncoded:
    """Samples of the files encoded last, found by the files' bytes.

    Scoring follows speaking in the same worker, so this saves most decodings: finding 3 s of
    speech takes 0.02 ms, decoding it 0.7 ms. At most ``capacity`` bytes are kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, tuple[Integers, int]] = OrderedDict()

    def put(self, encoded: bytes, samples: Integers, sample_rate: int) -> None:
        """Remember a file's samples, and forget the oldest ones for which there is no room."""
        with self._lock:
            if encoded not in self._entries:
                # A view would keep alive all of what it is a view of.
                owned = samples.base is None and not samples.flags.writeable
                self._entries[encoded] = (samples if owned else samples.copy(), sample_rate)
                self._size += samples.nbytes + len(encoded)
            while self._size > self._capacity:
                forgotten, (its_samples, _) = self._entries.popitem(last=False)
                self._size -= its_samples.nbytes + len(forgotten)

    def get(self, encoded: bytes) -> tuple[Integers, int] | None:
        """Return samples and rate of a file, if it is among the last ones."""
        with self._lock:
            return self._entries.get(encoded)


_recent = RecentlyEncoded(capacity=32 << 20)


def audio_digest(encoded: bytes) -> str:
    """Return the digest of an audio file's bytes, as it stands in the corpus."""
    return digest(AUDIO_DOMAIN, encoded)


def encode_flac(samples: Samples | Integers, sample_rate: int) -> bytes:
    """Return ``samples`` as a 16-bit mono FLAC file; the same samples give the same bytes.

    Integers are stored as they are; float values outside -1…1 are clipped. ``sample_rate`` is in
    Hz. Raises ``UsageError`` for no samples, more than one channel, or values that are no numbers.
    """
    if samples.ndim != 1 or not len(samples):
        raise UsageError(
            f"samples of shape {list(samples.shape)} are no mono audio; give one row of samples"
        )
    integers = _as_integers(samples)
    with _scratch() as scratch:
        # libsndfile's own level (5): level 0 takes 10 % less time and 1.2 % more room, level 8
        # 80 % more time for 1.3 % less room (hibari's speech at 24 kHz, one core).
        with soundfile.SoundFile(
            scratch, "w", sample_rate, 1, "PCM_16", format="FLAC", closefd=False
        ) as file:
            file.write(integers)
        flac = _content(scratch)
    _recent.put(flac, integers, sample_rate)
    return flac


def _as_integers(samples: Samples | Integers) -> Integers:
    if samples.dtype == np.int16:
        return cast(Integers, samples)
    scaled = np.rint(samples * np.float32(32768.0))
    if not np.isfinite(scaled).all():
        raise UsageError(
            f"{np.count_nonzero(~np.isfinite(scaled))} of {len(scaled)} samples are not numbers "
            "(NaN or infinite); the program that made them is at fault"
        )
    return cast(Integers, np.clip(scaled, -32768.0, 32767.0).astype(np.int16))


def as_floats(samples: Samples | Integers) -> Samples:
    """Return samples as float32 in -1…1, whichever they were."""
    if samples.dtype != np.int16:
        return cast(Samples, samples)
    return cast(Samples, samples.astype(np.float32) * np.float32(1 / 32768))


def decode_audio(data: bytes) -> tuple[Samples, int]:
    """Return samples (mixed to mono) and sample rate of FLAC, WAV, OGG or MP3 bytes.

    Raises ``UsageError`` where the bytes are no readable audio, or not all of it.
    """
    if known := _recent.get(data):
        return as_floats(known[0]), known[1]
    with open_audio(data) as file:
        return as_floats(read_samples(file)), int(file.samplerate)


@contextmanager
def open_audio(source: bytes | Path) -> Iterator[OpenAudio]:
    """Open an encoded audio, of which nothing but the header is read yet.

    Raises ``UsageError`` where it is no audio file, or a WAV that is shorter than it says.
    """
    if isinstance(source, bytes):
        if wav := plain_wav(source):
            yield wav
            return
        with _scratch(source) as scratch, _opened(scratch, len(source)) as file:
            yield file
    else:
        with _opened(source, source.stat().st_size) as file:
            yield file


def _opened(place: Path | int | io.BytesIO, size: int) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(place, closefd=False)
    except soundfile.LibsndfileError as error:
        raise UsageError(
            f"an audio of {size} bytes cannot be decoded; "
            "it is damaged or in a format other than FLAC, WAV, OGG or MP3"
        ) from error


@contextmanager
def _scratch(content: bytes = b"") -> Iterator[int | io.BytesIO]:
    """Open a file in memory, at its beginning.

    A file descriptor, where the system has such: libsndfile uses it without asking Python, while
    for each read or write of a ``BytesIO`` it waits for the interpreter's lock. With a busy thread
    beside it, encoding takes 3 ms so and 56 ms otherwise (0.9 ms alone either way).
    """
    if not hasattr(os, "memfd_create"):
        yield io.BytesIO(content)
        return
    descriptor = os.memfd_create("audio")
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _content(scratch: int | io.BytesIO) -> bytes:
    if isinstance(scratch, io.BytesIO):
        return scratch.getvalue()
    return os.pread(scratch, os.fstat(scratch).st_size, 0)


def read_samples(file: OpenAudio, frames: int = -1) -> Samples | Integers:
    """Return the next ``frames`` (-1: all that follow) as one channel.

    Integers where the file holds exactly these (mono, up to 16 bits); else float32, mixed to
    mono. Raises ``UsageError`` where less can be read than the file says it holds.
    """
    expected = file.frames - file.tell() if frames < 0 else frames
    exact = file.channels == 1 and file.subtype in _EXACT_IN_16_BITS
    try:
        samples = file.read(expected, dtype="int16" if exact else "float32", always_2d=True)
    except (soundfile.LibsndfileError, MemoryError) as error:
        raise UsageError(
            f"the audio is damaged: {_cause(error)}; take it from its source again"
        ) from error
    estimated = str(file.subtype).startswith("MPEG")
    if len(samples) < expected * (_ESTIMATE_OF_MP3 if estimated else 1.0):
        raise UsageError(
            f"the audio is cut off: {len(samples)} of {expected} samples can be read; "
            "take it from its source again"
        )
    if not len(samples):
        raise UsageError("the audio holds no samples")
    if exact:
        integers: Integers = samples[:, 0]
        return integers
    mono: Samples = np.ascontiguousarray(
        samples[:, 0] if file.channels == 1 else samples.mean(axis=1), dtype=np.float32
    )
    if file.subtype in ("FLOAT", "DOUBLE") and not np.isfinite(mono).all():
        raise UsageError(
            f"{np.count_nonzero(~np.isfinite(mono))} of {len(mono)} samples of the audio are not "
            "numbers (NaN or infinite); the program that wrote it is at fault"
        )
    return mono


def _cause(error: soundfile.LibsndfileError | MemoryError) -> str:
    if isinstance(error, MemoryError):
        return "it says it is longer than memory"
    return str(error.error_string).removeprefix("Error : ").rstrip(".")


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
