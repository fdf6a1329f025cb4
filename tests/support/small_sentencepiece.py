"""A small SentencePiece model in Step-Audio's manner, and pieces added to one.

Control ids, byte fallback, untouched white space and the space before a text are as in the released
model. The kept model gives the goldens of prompts their ids; what another version of the library
would train is another matter.
"""

import io
import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path

from sentencepiece import SentencePieceTrainer

PROMPTS = Path(__file__).parents[1] / "teacher" / "step_audio" / "prompts"
KEPT = PROMPTS / "small.model"


class Kind(IntEnum):
    """Kinds of pieces, as in sentencepiece_model.proto."""

    NORMAL = 1
    USER_DEFINED = 4
    UNUSED = 5


def train(**other: object) -> bytes:
    """Return the model of the sentences; the same ones give the same model."""
    written = io.BytesIO()
    settings = {
        "model_type": "unigram",
        "vocab_size": 700,
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "control_symbols": ["<|EOT|>", "<|BOT|>"],
        "unk_id": 0,
        "bos_id": 1,
        "eos_id": 2,
        "pad_id": -1,
        "character_coverage": 1.0,
        "hard_vocab_limit": False,
        "num_threads": 1,
        "minloglevel": 2,
    }
    sentences = (PROMPTS / "sentences.txt").read_text(encoding="utf-8").splitlines()
    SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=written, **(settings | other)
    )
    return written.getvalue()


def with_pieces(model: bytes, pieces: Iterable[str], kind: Kind) -> bytes:
    """Return a model with more pieces behind its own: messages of Protocol Buffers add up."""
    return model + b"".join(_field(1, _piece(piece.encode(), kind)) for piece in pieces)


def _piece(text: bytes, kind: Kind) -> bytes:
    return _field(1, text) + b"\x15" + struct.pack("<f", 0.0) + bytes([0x18, kind])


def _field(number: int, content: bytes) -> bytes:
    if len(content) > 127:
        raise ValueError("a length of more than one byte")
    return bytes([number << 3 | 2, len(content)]) + content


def code_pieces(codes: Sequence[int]) -> list[str]:
    """Return the pieces of codes, ``<audio_17>``."""
    return [f"<audio_{code}>" for code in codes]


if __name__ == "__main__":
    KEPT.write_bytes(train())
