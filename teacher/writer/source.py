"""Written texts as a source of prompts: from the rules, without a file, a network or a model."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.suggestion import check_known
from lauter.datasets.tags import Dialect, Emotion, Language
from lauter.teacher.writer.gather import Gathering, Row
from lauter.teacher.writer.near_duplicates import NearDuplicates
from lauter.teacher.writer.plan import kinds_of, plan_tasks, wanted_of
from lauter.teacher.writer.protocol import Conditions
from lauter.teacher.writer.rules import RuleWriter
from lauter.teacher.writer.table import written_table
from lauter.teacher.writer.task import LENGTHS, Genre, Lengths, Register, Topic

Word = TypeVar("Word", bound=StrEnum)


def written_texts(
    dialects: Sequence[str] = (Dialect.EN_US, Dialect.MANDARIN, Dialect.JAPANESE),
    emotions: Sequence[str] = tuple(Emotion),
    levels: Sequence[int] = (0,),
    registers: Sequence[str] = (),
    count: int = 60,
    seed: int = 0,
    lengths: Mapping[str, Sequence[int]] | None = None,
) -> pa.Table:
    """Return up to ``count`` texts by the rules for each dialect, emotion and level.

    The table is one of ``WRITTEN_SCHEMA``. Where the rules have fewer, as they have of neutral
    Cantonese and Sichuanese, all are returned. The same arguments give the same texts. Raises
    ``UsageError`` for an unknown word, an empty list, a dialect that the rules cannot write, and
    where they have nothing of what is asked.
    """
    if count < 1:
        raise UsageError(f"prompts.count is {count}; set 1 or more")
    bounds = lengths_of(lengths or {})
    writer = RuleWriter(Conditions(bounds, seed, Path()))
    spoken = chosen(Register, registers, "register")
    kinds = {
        language: kinds_of(language, list(Topic), list(Genre), spoken) for language in Language
    }
    wanted = dict.fromkeys(wanted_of(writer, dialects, emotions, levels), count)
    rows: list[Row] = []
    gathering = Gathering(writer, bounds, NearDuplicates(), rows.append)
    gathering.run(plan_tasks(wanted, kinds, writer, per_ask=count, seed=seed))
    if not rows:
        raise UsageError(
            "the rules have no such texts; name more registers, emotions or levels in prompts, or "
            "wider lengths"
        )
    return written_table(rows)


def lengths_of(given: Mapping[str, Sequence[int]]) -> dict[str, Lengths]:
    """Return the bounds of lengths by language: those given, else ``LENGTHS``.

    Raises ``UsageError`` for bounds that are none.
    """
    bounds = dict(LENGTHS)
    for language, pair in given.items():
        if language not in bounds or len(pair) != 2 or not 0 < pair[0] <= pair[1]:
            raise UsageError(
                f"the lengths of '{language}' are {list(pair)}; give a language of "
                f"{', '.join(bounds)} the least and the most characters, such as [20, 60]"
            )
        bounds[language] = Lengths(*pair)
    return bounds


def chosen(kind: type[Word], words: Sequence[str], name: str) -> list[Word]:
    """Return words as those of an enumeration; raises ``UsageError`` for one that is none."""
    known = list(kind)
    for word in words:
        if word not in known:  # one of them may be nameless, and is not offered
            check_known(word, list(filter(None, known)), f"there is no {name} '{word}'")
    return [kind(word) for word in words]
