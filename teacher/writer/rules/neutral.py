"""Texts that show no emotion: the built-in sentences as they are, in a dialect, in a register."""

from collections.abc import Iterator

from lauter.datasets.tags import Dialect, Emotion, Language
from lauter.teacher.writer.rules import english, japanese
from lauter.teacher.writer.rules.chinese import turned
from lauter.teacher.writer.rules.word_tables import Sentence, registers, sentences, situations
from lauter.teacher.writer.task import Genre, Kind, Register, Wanted

_WRITTEN = (Genre.NEWS, Genre.NARRATIVE, Genre.POEM)
"""Genres whose words are those of writing, in which nobody speaks a dialect."""


_COURTEOUS = (Genre.STATEMENT, Genre.QUESTION, Genre.INSTRUCTION, Genre.NEWS)
"""Genres in which one speaks to somebody whom one may honour."""


def neutral(wanted: Wanted) -> Iterator[tuple[Kind, str, str]]:
    """Yield neutral texts with their kinds and the sentences that they were made of."""
    for sentence in _sentences(wanted.language):
        for register, text in _texts(sentence, wanted):
            yield Kind(sentence.topic, sentence.genre, register), text, sentence.text


def _sentences(language: Language) -> Iterator[Sentence]:
    yield from sentences(language)
    for situation in situations(language):
        if situation.emotion == Emotion.NEUTRAL:
            asks = situation.text.endswith("？")
            text = situation.text if asks else f"{situation.text}。"
            genre = Genre.QUESTION if asks else Genre.STATEMENT
            yield Sentence(text, situation.topic, genre)


def _texts(sentence: Sentence, wanted: Wanted) -> Iterator[tuple[Register, str]]:
    if wanted.dialect in (Dialect.CANTONESE, Dialect.SICHUANESE):
        spoken = turned(sentence.text, wanted.dialect)
        if spoken is not None and sentence.genre not in _WRITTEN:
            yield Register.AS_IT_COMES, spoken
    elif wanted.language == Language.ENGLISH:
        yield Register.AS_IT_COMES, sentence.text
        yield from _english(sentence)
    elif wanted.language == Language.JAPANESE:
        yield from _japanese(sentence)
    else:
        yield Register.AS_IT_COMES, sentence.text


def _english(sentence: Sentence) -> Iterator[tuple[Register, str]]:
    if (short := english.contracted(sentence.text)) != sentence.text:
        yield Register.CASUAL, short
    if sentence.genre not in (Genre.STATEMENT, Genre.NEWS):
        return
    lower = english.continued(sentence.text)
    if lower is None or sentence.text.count(".") > 1:
        return
    for pattern in registers()["neutral"]["chatty"]:
        said = pattern.format(s=lower, S=sentence.text)
        yield Register.CHATTY, english.contracted(said)
    if not english.has_contraction(lower):
        for pattern in registers()["neutral"]["formal"]:
            yield Register.FORMAL, pattern.format(s=lower)


def _japanese(sentence: Sentence) -> Iterator[tuple[Register, str]]:
    text = sentence.text
    if "「" in text:  # what somebody says keeps the register of whoever says it
        yield Register.AS_IT_COMES, text
        return
    if japanese.is_polite(text):
        yield Register.POLITE, text
        simple = japanese.plain(text)
    elif japanese.is_plain(text):
        yield Register.PLAIN, text
        if polite := japanese.polite(text):
            yield Register.POLITE, polite
        return
    else:
        yield Register.AS_IT_COMES, text
        return
    if simple:
        yield Register.PLAIN, simple
    if sentence.genre not in _COURTEOUS:
        return
    if modest := japanese.honorific(text):
        yield Register.HONORIFIC, modest
    elif sentence.genre == Genre.NEWS and simple and simple.count("。") == 1:
        told = simple.rstrip("。").removesuffix("だ")
        yield Register.HONORIFIC, f"{told}とのことでございます。"
