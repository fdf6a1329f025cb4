"""Reads the tensors of a TensorFlow checkpoint, without TensorFlow.

A checkpoint (format V2) is a file of raw numbers and an index that says where each tensor lies in
it. The index is a sorted table as LevelDB writes it: blocks of keys, each sharing the beginning of
the one before, and a footer that points to the block of blocks. A value is a small protocol buffer.
Only what checkpoints hold is understood: one shard, blocks that are not compressed, float32.

Format: tensorflow/core/protobuf/tensor_bundle.proto; leveldb/doc/table_format.md.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError

_FOOTER_BYTES = 48
_FLOAT32 = 1
_DTYPE, _SHAPE, _OFFSET, _SIZE = 1, 2, 4, 5
"""Field numbers of an entry; a shape's dimensions are its field 2, whose size is field 1."""

Tensors = dict[str, NDArray[np.float32]]


def read_checkpoint(index: Path, data: Path) -> Tensors:
    """Return every float32 tensor by its name; raises ``UsageError`` where it is no checkpoint."""
    content = index.read_bytes()
    numbers = np.memmap(data, mode="r")
    try:
        return dict(_tensors(content, numbers))
    except (IndexError, KeyError, struct.error, ValueError) as error:
        raise UsageError(
            f"{index} is no index of a TensorFlow checkpoint that can be read ({error}); "
            "give the folder of an uncompressed one with float32 tensors"
        ) from error


def _tensors(content: bytes, numbers: NDArray[np.uint8]) -> Iterator[tuple[str, Any]]:
    for key, entry in _entries(content):
        fields = dict(_fields(entry))
        if key and fields.get(_DTYPE) == _FLOAT32:  # the empty key is the header's
            first = fields.get(_OFFSET, 0)
            tensor = np.array(numbers[first : first + fields[_SIZE]]).view("<f4")
            yield key.decode(), tensor.reshape(_shape(fields.get(_SHAPE, b"")))


def _entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = content[-_FOOTER_BYTES:]
    position = 0
    for _ in range(2):  # the block of filters, which nobody wrote
        _, position = _number(footer, position)
    first, position = _number(footer, position)
    size, _ = _number(footer, position)
    for _, handle in _block(content, first, size):
        first, position = _number(handle, 0)
        yield from _block(content, first, _number(handle, position)[0])


def _block(content: bytes, first: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; its last words count the restarts of the keys."""
    if content[first + size]:
        raise ValueError("a block is compressed")
    block = content[first : first + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    position, key = 0, b""
    while position < len(block) - 4 - 4 * restarts:
        shared, position = _number(block, position)
        fresh, position = _number(block, position)
        length, position = _number(block, position)
        key = key[:shared] + block[position : position + fresh]
        position += fresh
        yield key, block[position : position + length]
        position += length


def _shape(message: bytes) -> list[int]:
    return [dict(_fields(size)).get(1, 0) for name, size in _fields(message) if name == 2]


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a protocol buffer: a number, or its bytes."""
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _number(message, position)
            yield tag >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            size, position = _number(message, position)
        yield tag >> 3, message[position : position + size]
        position += size


def _number(content: bytes, position: int) -> tuple[int, int]:
    """Return the number of variable length at ``position``, and the position after it."""
    value = shift = 0
    while True:
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
