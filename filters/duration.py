"""Whether the length fits the text: characters per second, and the pace against the usual one.

Both count the text as it is spoken (``normalisation``: numerals in words, Japanese in kana) and
the time in which there is speech. The pace also knows that a short text takes its edges' time:

    usual seconds = edge + seconds per unit * units

with a unit of a syllable in English, a character in Mandarin, a mora in Japanese. The constants
are fitted to neutral speech of Kokoro and Open JTalk (160 clips, 26 voices; November 2026). By
them the pace of single utterances spreads by 0.13 octaves, within one voice by 0.08.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.datasets.tags import Language
from lauter.filters import normalisation
from lauter.filters.normalisation import NORMALISED_LANGUAGES, normalise
from lauter.filters.protocol import Sample

USUAL: Mapping[str, tuple[float, float]] = {
    Language.ENGLISH: (0.40, 0.177),
    Language.CHINESE: (0.10, 0.183),
    Language.JAPANESE: (0.00, 0.126),
}
"""Edge and seconds per unit of each language."""

_VOWELS = re.compile(r"[aeiouy]+")
_SILENT_E = re.compile(r"(?<=[^aeiouy])e$")
_NO_MORA = frozenset("ァィゥェォャュョヮ")


def spoken(text: str, language: str) -> str:
    """Return the characters of ``text`` that are spoken, in the form of its language."""
    form = normalise(text, language) if language in NORMALISED_LANGUAGES else text
    return "".join(character for character in form if character.isalnum() or character == "ー")


def usual_s(text: str, language: str) -> float | None:
    """Return how many seconds of speech ``text`` usually takes; None for an unknown language."""
    if language not in USUAL:
        return None
    edge_s, unit_s = USUAL[language]
    if language == Language.ENGLISH:
        units = sum(map(syllables, normalise(text, language).split()))
    else:
        units = sum(character not in _NO_MORA for character in spoken(text, language))
    return edge_s + unit_s * units if units else None


def syllables(word: str) -> int:
    """Return about how many syllables an English word in lower case has: its groups of vowels."""
    return max(1, len(_VOWELS.findall(_SILENT_E.sub("", word))))


def pace(text: str, language: str, speech_s: float) -> float | None:
    """Return how fast ``text`` was said in ``speech_s`` seconds: 1 as usual, 2 twice as fast.

    None where nothing was said or the language is not known.
    """
    usual = usual_s(text, language)
    return usual / speech_s if usual and speech_s > 0.0 else None


class DurationScorer:
    """Characters per second and pace, by the seconds of speech where ``vad`` came before."""

    name = "duration"
    fields: ClassVar[Sequence[pa.Field]] = (
        described(
            "characters_per_second",
            pa.float64(),
            "Characters of the text as spoken, for each second of speech",
            unit="1/s",
        ),
        described("pace", pa.float64(), "How fast against the usual pace of this text; 1 is usual"),
    )

    def fingerprint(self) -> str:
        """Return the digest of the usual paces and of the rules by which texts are counted."""
        usual = {str(language): list(constants) for language, constants in USUAL.items()}
        return content_id(
            "lauter.duration.v1", {"usual": usual, "rules": normalisation.fingerprint()}
        )

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Hold each utterance's length against its text."""
        return [self._figures(sample) for sample in samples]

    def _figures(self, sample: Sample) -> dict[str, float | None]:
        prompt = sample.request.prompt
        speech_s = sample.scores.get("speech_s")
        if speech_s is None:
            speech_s = sample.clip.duration_s
        if speech_s <= 0.0:
            return {"characters_per_second": None, "pace": None}
        characters = len(spoken(prompt.text, prompt.language))
        return {
            "characters_per_second": characters / speech_s,
            "pace": pace(prompt.text, prompt.language, speech_s),
        }
