"""Text as ids of a language model's vocabulary: what a tokenizer is, and the plainest one."""

from collections.abc import Sequence
from typing import Final, Protocol

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id


class TextTokenizer(Protocol):
    """Turns text into ids from ``first_id`` up, below ``size``; the ids before are for control."""

    @property
    def first_id(self) -> int:
        """The lowest id of text."""
        ...

    @property
    def size(self) -> int:
        """One more than the highest id of text."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids that ``encode`` gave."""
        ...

    def fingerprint(self) -> str:
        """Return a digest that tells this tokenizer from any other."""
        ...


ROLES: Final = {"system\n": 8, "human\n": 9, "assistant\n": 10}
"""The ids of what begins a turn."""
OF_ROLES: Final = {one: role for role, one in ROLES.items()}


class ByteTokenizer:
    """UTF-8, one id a byte: no training, no unknown characters, three ids for a Chinese one.

    For students of some million weights, whose whole vocabulary must stay small. The ids below 16
    are for control, and for the beginning of a turn: a role and its newline are one id, which saves
    an eighth of a short utterance.
    """

    first_id: Final = 16
    size: Final = first_id + 256

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's bytes; raises ``UsageError`` where it is no Unicode text."""
        if text in ROLES:
            return [ROLES[text]]
        return [self.first_id + byte for byte in utf8(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD."""
        read = b"".join(
            OF_ROLES[one].encode() if one in OF_ROLES else bytes([one - self.first_id])
            for one in ids
        )
        return read.decode(errors="replace")

    def fingerprint(self) -> str:
        """Return a digest that tells this tokenizer from any other."""
        return content_id(
            "lauter.tokenizer.v1",
            {"kind": "bytes", "first_id": self.first_id, "roles": list(ROLES)},
        )


def utf8(text: str) -> bytes:
    """Return the bytes of a text; raises ``UsageError`` where it is no Unicode text."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"the text {text[:20]!r} has a half of a character at position {error.start}; "
            "save it as UTF-8 again"
        ) from error
