"""What a WAV file says of itself: texts in a LIST chunk of the kind INFO, behind the samples.

Chunks are put at the end, so that the samples stay where they are; readers pass over chunks that
they do not know (Multimedia Programming Interface and Data Specifications 1.0, 1991).
"""

import struct
from collections.abc import Iterator, Mapping
from mmap import mmap
from typing import Final

_HEAD: Final = 12
_UNKNOWN_SIZE: Final = 0x7FFFF000
"""Sizes from here on stand in the header of a WAV that was streamed."""


def is_wav(data: bytes | mmap) -> bool:
    """Whether a file is WAV by its first bytes."""
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def infos_of(wav: bytes | mmap) -> list[dict[str, str]]:
    """Return the texts of each INFO list by their names of four letters, such as ICMT."""
    return [_texts(wav[start:end]) for name, start, end in _chunks(wav) if _is_info(wav, start)]


def with_info(wav: bytes, texts: Mapping[str, str]) -> bytes:
    """Return a WAV with an INFO list of these texts at its end."""
    content = b"INFO" + b"".join(
        _chunk(name.encode(), text.encode(errors="replace") + b"\0") for name, text in texts.items()
    )
    return _sized(wav + bytes(len(wav) % 2) + _chunk(b"LIST", content), len(wav))


def without_info(wav: bytes, number: int) -> bytes:
    """Return a WAV without the INFO list of this number in the order of ``infos_of``."""
    infos = [chunk for chunk in _chunks(wav) if _is_info(wav, chunk[1])]
    _, start, end = infos[number]
    return _sized(wav[: start - 8] + wav[end + end % 2 :], len(wav))


def _is_info(wav: bytes | mmap, start: int) -> bool:
    return wav[start - 8 : start - 4] == b"LIST" and wav[start : start + 4] == b"INFO"


def _chunks(data: bytes | mmap, position: int = _HEAD) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk; the last one may be cut off."""
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        start, end = position + 8, min(position + 8 + size, len(data))
        yield name, start, end
        position = end + size % 2


def _texts(content: bytes) -> dict[str, str]:
    return {
        name.decode("ascii", "replace"): content[start:end].rstrip(b"\0").decode(errors="replace")
        for name, start, end in _chunks(content, 4)
    }


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


def _sized(wav: bytes, before: int) -> bytes:
    """Return a WAV whose header says its size, if it said the right one ``before``."""
    (told,) = struct.unpack_from("<I", wav, 4)
    if told != before - 8 or len(wav) - 8 >= _UNKNOWN_SIZE:
        return wav
    return wav[:4] + struct.pack("<I", len(wav) - 8) + wav[8:]
