"""Templates are whole, versioned by their content, and say all that is wanted."""

import copy
from itertools import product

import pytest
import yaml

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Language
from lauter.teacher.writer.task import (
    REGISTERS,
    Ask,
    Genre,
    Kind,
    Lengths,
    Register,
    Seed,
    Topic,
    Wanted,
    WritingTask,
)
from lauter.teacher.writer.template import _FOLDER, open_template, parse_template

LENGTHS = Lengths(7, 77)


def task(wanted: Wanted, kind: Kind) -> WritingTask:
    return WritingTask(wanted, kind, 5, Seed("A seed {text} in braces.", "CC0-1.0"))


@pytest.mark.parametrize("language", list(Language))
def test_every_language_is_asked_for_in_full(language: Language) -> None:
    template = open_template(language)
    said = set()
    dialects = ["", *(dialect for dialect in Dialect if dialect.language == language)]
    for dialect, emotion in product(dialects, Emotion):
        for level in [0] if emotion == Emotion.NEUTRAL else range(MAX_LEVEL + 1):
            wanted = Wanted(language, dialect, emotion, level)
            ask = Ask(task(wanted, Kind(Topic.FOOD, Genre.QUESTION)), 5)
            system, user = (message["content"] for message in template.messages(ask, LENGTHS))
            assert "JSON" in system
            assert "77" in user and "7" in user and "5" in user
            said.add((system, user))
    alike = 2 if language in (Language.JAPANESE, Language.KOREAN) else 1
    assert len(said) * alike >= len(dialects) * (1 + 5 * 6)


def test_registers_genres_and_topics_each_say_something_else() -> None:
    wanted = Wanted(Language.JAPANESE, "ja-JP", Emotion.JOY, 2)
    kinds = product(Topic, Genre, [Register.AS_IT_COMES, *REGISTERS[Language.JAPANESE]])
    template = open_template(Language.JAPANESE)
    said = {
        template.messages(Ask(task(wanted, Kind(*kind)), 5), LENGTHS)[1]["content"]
        for kind in kinds
    }
    assert len(said) == 12 * 8 * 4


def test_what_is_filled_in_is_never_read_for_places() -> None:
    wanted = Wanted(Language.ENGLISH, "", Emotion.NEUTRAL)
    ask = Ask(
        task(wanted, Kind(Topic.FOOD, Genre.QUESTION)), 2, ("{count} is wrong",), ("{seed}",), 1
    )
    said = open_template(Language.ENGLISH).messages(ask, LENGTHS)[1]["content"]
    assert "A seed {text} in braces." in said
    assert "- {count} is wrong" in said and "- {seed}" in said
    assert "Write 2 new texts" in said


def content() -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load((_FOLDER / "en.yaml").read_text(encoding="utf-8"))
    return loaded


def test_the_digest_is_of_the_content() -> None:
    ours = open_template(Language.ENGLISH)
    assert parse_template(Language.ENGLISH, content(), "x").digest == ours.digest
    changed = copy.deepcopy(content())
    changed["genres"]["news"] += "!"  # type: ignore[index]
    assert parse_template(Language.ENGLISH, changed, "x").digest != ours.digest
    assert len({open_template(language).digest for language in Language}) == 4


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ask", None, "has no text 'ask'"),
        ("ask", "Write {number} texts.", "no place {number}"),
        ("levels", {0: "any"}, "levels: 1"),
        ("emotions", {}, "emotions: neutral"),
    ],
)
def test_a_template_that_is_not_whole_is_refused(name: str, value: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_template(Language.ENGLISH, content() | {name: value}, "mine.yaml")
