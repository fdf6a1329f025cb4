"""Ids as text for those who read text: what the tokenizer reads, codes as ``<audio_k>``."""

from lauter.datasets.codes import codes_as_text
from lauter.datasets.layout import Vocabulary
from lauter.datasets.text_tokens import TextTokenizer


class Speller:
    """Spells a growing row of ids piece by piece; a character in parts waits for its rest."""

    def __init__(self, tokenizer: TextTokenizer, vocabulary: Vocabulary) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._held: list[int] = []

    def spell(self, one: int) -> str:
        """Return what an id adds to the text; ids of control add nothing."""
        code = one - self._vocabulary.text_size
        if code >= 0:
            return self.rest() + codes_as_text([code])
        if not self._tokenizer.first_id <= one < self._tokenizer.size:
            return self.rest()
        self._held.append(one)
        text = self._tokenizer.decode(self._held)
        # Four bytes make every character; what is longer and still none never will be one.
        if text.endswith("\N{REPLACEMENT CHARACTER}") and len(self._held) < 4:
            return ""
        self._held = []
        return text

    def rest(self) -> str:
        """Return what was held back."""
        text = self._tokenizer.decode(self._held) if self._held else ""
        self._held = []
        return text


def as_text(tokenizer: TextTokenizer, vocabulary: Vocabulary, one: int) -> str:
    """Return the text of an id by itself."""
    speller = Speller(tokenizer, vocabulary)
    return speller.spell(one) + speller.rest()
