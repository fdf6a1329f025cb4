"""From what is wanted to tasks: spread over kinds, cut to the size of an ask, each with a seed."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.builtin_set import LICENCE, builtin_texts
from lauter.datasets.suggestion import check_known
from lauter.datasets.tags import Dialect, Emotion, Language
from lauter.teacher.writer.balance import in_turn, shuffled, spread
from lauter.teacher.writer.protocol import Writer
from lauter.teacher.writer.task import (
    REGISTERS,
    Genre,
    Kind,
    Register,
    Seed,
    Topic,
    Wanted,
    WritingTask,
)


def kinds_of(
    language: Language,
    topics: Sequence[Topic],
    genres: Sequence[Genre],
    registers: Sequence[Register],
) -> list[Kind]:
    """Return every kind of text of a language.

    An empty list of registers means all it has, and those as they come; a language without any of
    the ``registers`` is written as it comes.
    """
    own = [Register.AS_IT_COMES, *REGISTERS.get(language, ())]
    spoken = [one for one in own if one in registers] if registers else own
    return [Kind(*kind) for kind in product(topics, genres, spoken or [Register.AS_IT_COMES])]


def wanted_of(
    writer: Writer, dialects: Sequence[str], emotions: Sequence[str], levels: Sequence[int]
) -> list[Wanted]:
    """Return what is to be written for some dialects, each once; neutral texts have no levels.

    Raises ``UsageError`` for an unknown word, for an empty list, of which nothing or less than was
    meant would come, and for what the writer cannot write.
    """
    for name, there, such in (
        ("dialects", dialects, Dialect.EN_US),
        ("emotions", emotions, Emotion.JOY),
        ("levels", levels, 0),
    ):
        if not there:
            raise UsageError(f"the list of {name} is empty; name one or more, such as [{such}]")
    for name, words, known in (
        ("dialect", dialects, list(Dialect)),
        ("emotion", emotions, list(Emotion)),
    ):
        for word in words:
            check_known(word, known, f"there is no {name} '{word}'")
    found = {}
    for dialect in dialects:
        language, spoken = writer.wanted(dialect)
        for emotion in emotions:
            for level in [0] if emotion == Emotion.NEUTRAL else levels:
                found[Wanted(Language(language), spoken, Emotion(emotion), level)] = True
    return list(found)


def plan_tasks(
    wanted: Mapping[Wanted, int],
    kinds: Mapping[Language, Sequence[Kind]],
    writer: Writer,
    *,
    per_ask: int,
    seed: int,
) -> list[WritingTask]:
    """Return tasks that make up so many of each wanted.

    They are of at most ``per_ask`` texts, or of a writer with a stock one for each kind that it
    has, which costs nothing to ask for at once.
    """
    return list(_tasks(wanted, kinds, writer, per_ask, seed))


def _tasks(
    wanted: Mapping[Wanted, int],
    kinds: Mapping[Language, Sequence[Kind]],
    writer: Writer,
    per_ask: int,
    seed: int,
) -> Iterator[WritingTask]:
    for one, count in wanted.items():
        asked = kinds[one.language]
        stock = writer.stock(one, asked)
        key = f"{seed}/{one}"
        if stock is None:
            shares = _portions(asked, count, per_ask, key)
        else:
            shares = list(spread(count, stock, key).items())
        for number, (kind, size) in enumerate(shares):
            yield WritingTask(one, kind, size, seed_text(one, kind, number, seed), number)


def _portions(kinds: Sequence[Kind], count: int, per_ask: int, key: str) -> list[tuple[Kind, int]]:
    """Return portions of at most ``per_ask`` texts for kinds that take turns.

    What a model is asked for at once is of one kind, so few texts are of few kinds.
    """
    asks = math.ceil(count / per_ask)
    turns = in_turn(kinds, asks, key)
    sizes = [count // asks + (number < count % asks) for number in range(asks)]
    return list(zip(turns, sizes, strict=True))


_KINDS_OF_SEEDS = {Genre.STATEMENT: ("statement", "number", "name")}


def seed_text(wanted: Wanted, kind: Kind, number: int, seed: int) -> Seed:
    """Return the built-in sentence of the genre that a task begins from; none in Korean."""
    texts = _sentences(wanted.language, _KINDS_OF_SEEDS.get(kind.genre, (kind.genre.value,)), seed)
    return Seed(texts[number % len(texts)], LICENCE) if texts else Seed("", "")


@functools.cache
def _sentences(language: Language, names: tuple[str, ...], seed: int) -> list[str]:
    rows = builtin_texts(names).to_pylist()
    return shuffled((row["text"] for row in rows if row["language"] == language), f"{seed}")
