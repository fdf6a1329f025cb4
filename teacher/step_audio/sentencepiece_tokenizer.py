"""Text as the ids of Step-Audio's checkpoints: their SentencePiece model, without its first space.

SentencePiece puts a space (``▁``) before whatever it is given, so that a text encoded alone begins
with another id than the same text in the middle of a dialogue. In the released layout the role of
a turn has this space and its content, which follows the role's newline, has none. So a content is
encoded behind a newline, whose ids are then taken off again. Newlines are bytes of their own and
part of no piece; nothing is joined across them, and the parts of a turn, encoded one by one, are
what the whole turn is.

The released model has 74,752 pieces: 68 for control (0 unknown, 1 ``<s>``, 2 ``</s>``,
3 ``<|EOT|>``, 4 ``<|BOT|>``, …), the 256 bytes, text, and from 65,536 on ``<audio_0>`` to
``<audio_5119>``. A text that spells out one of control or speech would say what nobody asked for;
it is refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sentencepiece import SentencePieceProcessor

from lauter.datasets.codes import CODES
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id, digest
from lauter.datasets.layout import BEGIN, BOS, END, STEP_AUDIO
from lauter.datasets.text_tokens import ROLES, utf8

_GUARD: Final = "\n"
"""Keeps the first space away from a content, and is taken off."""
_FIRST_CODE, _LAST_CODE = "<audio_0>", f"<audio_{CODES - 1}>"
_CONTROL: Final = {"<s>": BOS, "<|EOT|>": END, "<|BOT|>": BEGIN}


class SentencePieceTokenizer:
    """The tokenizer of a SentencePiece model in Step-Audio's vocabulary; a ``TextTokenizer``.

    A role with its newline is encoded as what begins a turn, any other text as what follows one.
    """

    def __init__(self, model: bytes, name: str = "the tokenizer") -> None:
        """Take the bytes of a model; errors call it by ``name``.

        Raises ``UsageError`` where it is no such model, or its ids are not those of Step-Audio.
        """
        self._name = name
        self._pieces = _read(model, name)
        self._digest = digest("lauter.sentencepiece.v1", model)
        self.first_id: int = self._pieces.piece_to_id("<0x00>")
        first_code: int = self._pieces.piece_to_id(_FIRST_CODE)
        is_known = self._pieces.id_to_piece(first_code) == _FIRST_CODE
        self.size: int = first_code if is_known else self._pieces.get_piece_size()
        self._check_ids(is_known)
        self._guard: list[int] = self._pieces.encode(_GUARD)
        self._check_newline()

    @classmethod
    def read(cls, path: Path) -> "SentencePieceTokenizer":
        """Read a model file, the released ``tokenizer.model``; raises ``UsageError`` as above."""
        try:
            return cls(path.read_bytes(), str(path))
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read ({error.strerror}); name the tokenizer.model that came "
                "with the checkpoint"
            ) from error

    def encode(self, text: str) -> list[int]:
        """Return the ids of what begins a turn (``"human\\n"``), or of a content or part of one.

        Raises ``UsageError`` for a text that spells a piece of control or of speech, and for one
        that is no Unicode text.
        """
        utf8(text)
        if text in ROLES:
            return list(self._pieces.encode(text))
        ids: list[int] = self._pieces.encode(_GUARD + text)[len(self._guard) :]
        spelt = next((one for one in ids if not self.first_id <= one < self.size), None)
        if spelt is not None:
            raise UsageError(
                f"the text '{text[:20]}' has {self._pieces.id_to_piece(spelt)} in it, which is "
                f"no text to {self._name}; take it out"
            )
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids that ``encode`` gave; bytes that are no UTF-8 become U+FFFD."""
        text: str = self._pieces.decode([*self._guard, *map(int, ids)])
        return text.removeprefix(_GUARD)

    def fingerprint(self) -> str:
        """Return a digest that tells this tokenizer from any other."""
        return content_id("lauter.tokenizer.v1", {"kind": "sentencepiece", "model": self._digest})

    def _check_ids(self, has_codes: bool) -> None:
        wanted = dict(_CONTROL)
        if has_codes:
            first = STEP_AUDIO.text_size
            wanted |= {_FIRST_CODE: first, _LAST_CODE: first + CODES - 1}
        for piece, one in wanted.items():
            found = self._pieces.piece_to_id(piece)
            if found != one or self._pieces.id_to_piece(found) != piece:
                raise UsageError(
                    f"{self._name} has no {piece} at id {one}, as Step-Audio's has; name the "
                    "tokenizer.model that came with the checkpoint"
                )
        if self.size > STEP_AUDIO.text_size:
            raise UsageError(
                f"{self._name} has {self.size} pieces of text, and from {STEP_AUDIO.text_size} on "
                "Step-Audio's ids are speech; name the tokenizer.model that came with the "
                "checkpoint"
            )

    def _check_newline(self) -> None:
        newline = self._pieces.piece_to_id("<0x0A>")
        if not self._pieces.is_byte(newline) or self._guard[-1:] != [newline]:
            raise UsageError(
                f"{self._name} has no byte for the newline (byte fallback without normalising), so "
                "no turn can be told from its role; name the tokenizer.model that came with the "
                "checkpoint"
            )


def _read(model: bytes, name: str) -> SentencePieceProcessor:
    try:
        # Of no bytes at all it would make a model without pieces.
        if model:
            return SentencePieceProcessor(model_proto=model)
    except RuntimeError:
        pass
    raise UsageError(
        f"{name} is no SentencePiece model; copy the tokenizer.model of the checkpoint again"
    )
