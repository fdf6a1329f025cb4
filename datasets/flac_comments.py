"""Vorbis comments of a FLAC file, read and written without touching its sound.

A FLAC file is ``fLaC``, metadata blocks, frames. One kind of block (number 4) holds comments: the
name of the program that wrote them, and texts of the form ``NAME=value``. Putting some in moves the
frames and changes none of them, so nothing is decoded or encoded (RFC 9639, sections 8.1 and 8.6).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import Final

from lauter.datasets.errors import UsageError

_MAGIC: Final = b"fLaC"
_COMMENTS: Final = 4
_LAST: Final = 0x80
_MOST_BYTES: Final = (1 << 24) - 1
_VENDOR: Final = b"Lauter"
"""Stands in a block that we put in; without comments of anybody's it goes again."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A metadata block: its kind, and its bytes without the header of four."""

    kind: int
    content: bytes


@dataclass(frozen=True, slots=True)
class _Comments:
    """A block of comments; ``rest`` is what a writer left behind the last one."""

    vendor: bytes
    comments: tuple[bytes, ...]
    rest: bytes


def is_flac(data: bytes | mmap) -> bool:
    """Whether a file is FLAC by its first bytes."""
    start = _start(data)
    return data[start : start + len(_MAGIC)] == _MAGIC


def comments_of(flac: bytes | mmap) -> list[bytes]:
    """Return the comments (``NAME=value`` in UTF-8) of a FLAC file, in their order.

    Raises ``UsageError`` where its head is damaged.
    """
    blocks, _ = _blocks(flac)
    found = next((block for block in blocks if block.kind == _COMMENTS), None)
    return [] if found is None else list(_read(found.content).comments)


def with_comments(flac: bytes, comments: Sequence[bytes]) -> bytes:
    """Return a FLAC file with these comments instead of its own; all else stays, to the byte.

    Raises ``UsageError`` where its head is damaged, or the comments have more than 16 MB.
    """
    blocks, frames = _blocks(flac)
    place = next((n for n, block in enumerate(blocks) if block.kind == _COMMENTS), None)
    before = _Comments(_VENDOR, (), b"") if place is None else _read(blocks[place].content)
    if before.comments == tuple(comments):
        return flac
    replaced = []
    if comments or before.vendor != _VENDOR or before.rest:
        replaced.append(_Block(_COMMENTS, _written(before, comments)))
    first, after = (1, 1) if place is None else (place, place + 1)
    blocks = [*blocks[:first], *replaced, *blocks[after:]]
    heads = [
        struct.pack(">I", (block.kind | (_LAST if block is blocks[-1] else 0)) << 24
                    | len(block.content)) + block.content
        for block in blocks
    ]  # fmt: skip
    return b"".join([flac[: _start(flac)], _MAGIC, *heads, memoryview(flac)[frames:]])


def _start(data: bytes | mmap) -> int:
    """Return where the FLAC begins: some tools put an ID3 tag before it."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for seven_bits in data[6:10]:
        size = size << 7 | seven_bits & 0x7F
    return 10 + size


def _blocks(flac: bytes | mmap) -> tuple[list[_Block], int]:
    """Return the metadata blocks, and where the frames begin."""
    position = _start(flac) + len(_MAGIC)
    blocks: list[_Block] = []
    is_last = not is_flac(flac)
    while not is_last and position + 4 <= len(flac):
        (head,) = struct.unpack_from(">I", flac, position)
        is_last = bool(head >> 24 & _LAST)
        start, position = position + 4, position + 4 + (head & _MOST_BYTES)
        blocks.append(_Block(head >> 24 & 0x7F, flac[start:position]))
    if not blocks or not is_last or position > len(flac):
        raise UsageError("the head of the FLAC is damaged; take it from its source again")
    return blocks, position


def _read(content: bytes) -> _Comments:
    try:
        vendor, position = _text(content, 0)
        (count,) = struct.unpack_from("<I", content, position)
        position += 4
        comments = []
        for _ in range(count):
            comment, position = _text(content, position)
            comments.append(comment)
    except (struct.error, IndexError) as error:
        raise UsageError(
            "the comments of the FLAC are damaged; take it from its source again"
        ) from error
    return _Comments(vendor, tuple(comments), content[position:])


def _text(content: bytes, position: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from("<I", content, position)
    start, end = position + 4, position + 4 + size
    if end > len(content):
        raise IndexError(end)
    return content[start:end], end


def _written(before: _Comments, comments: Sequence[bytes]) -> bytes:
    texts = [before.vendor, *comments]
    sized = [struct.pack("<I", len(text)) + text for text in texts]
    content = sized[0] + struct.pack("<I", len(comments)) + b"".join(sized[1:]) + before.rest
    if len(content) > _MOST_BYTES:
        raise UsageError(
            f"the comments of the FLAC would have {len(content)} bytes, and {_MOST_BYTES} is the "
            "most there can be; take some out"
        )
    return content
