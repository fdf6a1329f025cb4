"""From a recording's place to mono FLAC: fetch, cut, mix, encode.

A mono FLAC stays as it is, byte for byte (it is decoded once, to know that it is whole), but for a
mark of ours: what Lauter exported is known by the bytes that the corpus had. 16-bit
audio is encoded without passing through floats and so without loss; anything else (24 bits,
floats, several channels, lossy formats) becomes the nearest 16-bit samples.

A sound is known by the bytes that it was given as and by the stretch that is heard of them, not by
its samples: those depend, for MP3 and the like, on the version of the decoder.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from lauter.datasets.audio import (
    AUDIO_DOMAIN,
    OpenAudio,
    as_floats,
    audio_digest,
    encode_flac,
    open_audio,
    read_samples,
    resample,
)
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.imports.recording import Recording
from lauter.datasets.marking import Marks, marks_in, marks_of, unmarked

SOUND_DOMAIN = "lauter.sound.v1"
ROUNDING_S = 0.01
"""Manifests round durations: an end that is this near to the file's is the file's."""
TOLERANCE_S = 0.1
"""A stated end may lie this far behind the file's; beyond it, one of the two is wrong."""
LONG_FILE = 4 << 20
"""Of files beyond this many bytes only the stretch that is meant is read, never the whole."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono speech as it will stand in the corpus."""

    flac: bytes
    digest: str
    sample_rate: int
    duration_s: float


@dataclass(frozen=True)
class Cut:
    """An open audio and the stretch of it that is meant; nothing is decoded yet.

    ``marks`` are those that it bore, if any (off bytes they were taken); ``context`` is as in
    ``Recording``.
    """

    source: bytes | Path
    file: OpenAudio
    start: int
    frames: int
    marks: Marks | None = None
    context: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether all of the audio is meant."""
        return self.frames == int(self.file.frames)

    @cached_property
    def source_digest(self) -> str:
        """Digest of all the audio's bytes."""
        if isinstance(self.source, bytes):
            return audio_digest(self.source)
        state = self.source.stat()
        return _file_digest(self.source, state.st_size, state.st_mtime_ns)

    @property
    def identity(self) -> str:
        """Digest of the bytes, of the stretch in samples unless it is all, and of the context."""
        content: dict[str, object] = {"source": self.source_digest}
        if not self.is_whole:
            content |= {"start": self.start, "frames": self.frames}
        if self.context:
            content["context"] = self.context
        return content_id(SOUND_DOMAIN, content)


@contextmanager
def cut_of(recording: Recording) -> Iterator[Cut]:
    """Open a recording's audio at the stretch that it names.

    Raises ``UsageError`` where there is no such file, no such stretch, or no audio.
    """
    try:
        source = _source(recording)
        marks = _marks(source)
    except OSError as error:
        raise UsageError(
            f"'{recording.path}' cannot be read ({error.strerror}); "
            "correct the path in the source, or bring the file"
        ) from error
    if marks and isinstance(source, bytes):
        source = unmarked(source)
    with open_audio(source) as file:
        yield Cut(source, file, *_stretch(recording, file), marks, recording.context)


def sound_of(cut: Cut, sample_rate: int | None = None) -> Sound:
    """Decode a cut and return it as mono FLAC, at ``sample_rate`` Hz if one is asked for.

    Raises ``UsageError`` where the audio turns out to be damaged or empty.
    """
    if cut.start:
        cut.file.seek(cut.start)
    samples = read_samples(cut.file, cut.frames)
    own_rate = int(cut.file.samplerate)
    if sample_rate in (None, own_rate):
        if cut.is_whole and cut.file.format == "FLAC" and cut.file.channels == 1:
            kept = cut.source if isinstance(cut.source, bytes) else cut.source.read_bytes()
            return Sound(kept, cut.source_digest, own_rate, len(samples) / own_rate)
    else:
        assert sample_rate is not None
        samples = resample(as_floats(samples), own_rate, sample_rate)
        own_rate = sample_rate
    flac = encode_flac(samples, own_rate)
    return Sound(flac, audio_digest(flac), own_rate, len(samples) / own_rate)


def _source(recording: Recording) -> bytes | Path:
    """Return the bytes of the audio; the path alone where a stretch of a long file is meant."""
    if recording.audio is not None:
        return recording.audio
    if not recording.path:
        raise UsageError("it names no audio; give a path or the audio itself")
    path = Path(recording.path)
    if recording.byte_count is not None:
        with path.open("rb") as file:
            file.seek(recording.byte_start)
            return file.read(recording.byte_count)
    stretch = recording.offset_s or recording.duration_s is not None
    return path if stretch and path.stat().st_size > LONG_FILE else path.read_bytes()


def _marks(source: bytes | Path) -> Marks | None:
    if isinstance(source, bytes):
        return marks_of(source)
    state = source.stat()
    return _file_marks(source, state.st_size, state.st_mtime_ns)


def _stretch(recording: Recording, file: OpenAudio) -> tuple[int, int]:
    """Return first sample and number of samples that are meant."""
    total, rate = int(file.frames), int(file.samplerate)
    start = round(recording.offset_s * rate)
    if not total:
        raise UsageError("the audio holds no samples")
    if not 0 <= start < total:
        raise UsageError(
            f"its offset of {recording.offset_s:g} s lies outside the audio of "
            f"{total / rate:.3f} s; correct the manifest"
        )
    if recording.duration_s is None:
        return start, total - start
    if recording.duration_s <= 0:
        raise UsageError(f"its duration of {recording.duration_s:g} s is nothing to hear")
    end = start + round(recording.duration_s * rate)
    if end - total > TOLERANCE_S * rate:
        raise UsageError(
            f"it should last to {end / rate:.3f} s and the audio ends at {total / rate:.3f} s; "
            "the audio is cut off, or the manifest belongs to another"
        )
    if abs(end - total) <= ROUNDING_S * rate:
        end = total
    return start, min(end, total) - start


@lru_cache(maxsize=64)
def _file_marks(path: Path, size: int, changed_ns: int) -> Marks | None:
    """Return the mark of a file; segments of one file share it."""
    return marks_in(path)


@lru_cache(maxsize=64)
def _file_digest(path: Path, size: int, changed_ns: int) -> str:
    """Return ``audio_digest`` of a file without holding it; segments of one file share it."""

    state = hashlib.blake2b(AUDIO_DOMAIN.encode() + b"\0", digest_size=16)
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            state.update(part)
    return state.hexdigest()
