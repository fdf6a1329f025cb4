"""Text as ids of byte pairs: a tokenizer that is learnt from the texts of a corpus.

What stands together often becomes one id, so in a closed domain a word is one (byte pair encoding,
arXiv 1508.07909, over bytes as in GPT-2). A student of some million weights finds its place among
a dozen words sooner than among sixty bytes. No text is unknown, and every text comes back.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as BytesDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.text_tokens import OF_ROLES, ROLES, ByteTokenizer, utf8


class PairTokenizer:
    """Byte pairs, one id each; the ids for control and roles are those of ``ByteTokenizer``.

    Written down it is a ``tokenizer.json`` as the ``tokenizers`` library reads it, with these ids.
    """

    first_id: Final = ByteTokenizer.first_id

    def __init__(self, written: str) -> None:
        """Take what ``to_json`` gave; raises ``UsageError`` for what is none."""
        try:
            self._pairs = Tokenizer.from_str(written)
        except Exception as error:  # the library raises no narrower kind
            raise UsageError(
                f"this is no tokenizer.json ({error}); copy the student's folder again"
            ) from error
        self.size: int = self._pairs.get_vocab_size()

    @classmethod
    def learnt(cls, texts: Iterable[str], size: int) -> "PairTokenizer":
        """Return the tokenizer of ``texts`` with up to ``size`` ids, those for control included.

        The same texts, in any order, give the same one. Raises ``UsageError`` where ``size`` has no
        room for the bytes.
        """
        if size < ByteTokenizer.size:
            raise UsageError(
                f"a tokenizer of {size} ids has no room for control and the 256 bytes; "
                f"set {ByteTokenizer.size} or more"
            )
        pairs = Tokenizer(BPE())
        pairs.pre_tokenizer = ByteLevel(add_prefix_space=False)
        pairs.decoder = BytesDecoder()
        trainer = BpeTrainer(
            vocab_size=size - cls.first_id,
            initial_alphabet=ByteLevel.alphabet(),
            show_progress=False,
        )
        pairs.train_from_iterator(texts, trainer)
        return cls(_with_control(json.loads(pairs.to_str())))

    @classmethod
    def read(cls, path: Path) -> "PairTokenizer":
        """Read a ``tokenizer.json``; raises ``UsageError`` where it is none."""
        try:
            return cls(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path} cannot be read ({error}); copy the student's folder again"
            ) from error

    def to_json(self) -> str:
        """Return what stands in ``tokenizer.json``."""
        written: str = self._pairs.to_str(pretty=True)
        return written

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; raises ``UsageError`` where it is no Unicode text."""
        if text in ROLES:
            return [ROLES[text]]
        utf8(text)  # the library would say less of what is no text
        ids: list[int] = self._pairs.encode(text).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD."""
        parts = []
        for is_role, run in groupby(ids, OF_ROLES.__contains__):
            some = list(run)
            parts.append("".join(OF_ROLES[one] for one in some) if is_role else self._text(some))
        return "".join(parts)

    def _text(self, ids: list[int]) -> str:
        text: str = self._pairs.decode(ids)
        return text

    def fingerprint(self) -> str:
        """Return a digest that tells this tokenizer from any other."""
        model = json.loads(self._pairs.to_str())["model"]
        return content_id(
            "lauter.tokenizer.v1",
            {"kind": "pairs", "vocab": model["vocab"], "merges": model["merges"]},
        )


def _with_control(written: dict[str, Any]) -> str:
    """Return a tokenizer's JSON with its ids moved up to where those for control end.

    These get names that no text is cut into, since pairs join bytes of one word alone.
    """
    model, first = written["model"], PairTokenizer.first_id
    named = {f"<control {number}>": number for number in range(first)}
    model["vocab"] = named | {unit: number + first for unit, number in model["vocab"].items()}
    return json.dumps(written)
