"""The rule-based writer: enough, good by the checks, the same each time, stronger by level."""

import re
from collections import Counter
from typing import Any

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.records import described
from lauter.datasets.tags import Emotion, Language
from lauter.teacher.studio.frontends import open_frontend
from lauter.teacher.writer.checks import faults_of
from lauter.teacher.writer.rules.word_tables import (
    framing,
    lexicon,
    sentences,
    situations,
    tables_digest,
)
from lauter.teacher.writer.source import written_texts
from lauter.teacher.writer.table import WRITTEN_SCHEMA, text_id
from lauter.teacher.writer.task import LENGTHS, Topic, Wanted

VARIETIES = ("en", "zh", "ja", "yue", "sichuan")
FEELINGS = [emotion for emotion in Emotion if emotion != Emotion.NEUTRAL]
STRONG = re.compile(
    r"\b(so|really|never|ever|whole|just|all|very|too|believe|dream(ing)?|moon|heart|words|"
    r"boil(ing|s)?|rage|furious|outrage|scream(ed)?|yes|life|smiling|death|faint)\b|[!！]|"
    r"太|极|死|疯|最|全|一辈子|一世|一整夜|惨|真|再也|从来|碎|塌|干|不出|不下|做梦|飞|"
    r"本当|とても|一番|すぎ|たまら|絶対|一生|ほど|もう|人生|きゃ|止まら|信じ|夢|涙|限界|初めて|"
    r"真系|晒|到.{0,3}呀|成晚|硬是|得很|板|完|垮|不脱|一晚上",
    re.IGNORECASE,
)
"""Words of strength and exclamation marks: chosen apart from the tables they judge."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = written_texts().to_pylist()
    return rows


@pytest.fixture(scope="module")
def dialects() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = written_texts(["yue", "sichuan"], count=40).to_pylist()
    return rows


def test_there_are_sixty_texts_of_each_language_and_emotion(rows: list[dict[str, Any]]) -> None:
    counts = Counter((row["language"], row["emotion"]) for row in rows)
    assert counts == {(lang, emotion): 60 for lang in ("en", "zh", "ja") for emotion in Emotion}
    assert len({row["text"] for row in rows}) == len(rows)


def test_topics_are_as_even_as_can_be(rows: list[dict[str, Any]]) -> None:
    topics = Counter((row["language"], row["emotion"], row["topic"]) for row in rows)
    assert len(topics) == 3 * 6 * len(Topic)
    assert set(topics.values()) == {60 // len(Topic)}


def test_rows_say_where_they_come_from(rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows, start=1):
        assert row["row"] == number
        assert row["text_source"] == f"writer:rules-1:{row['template'][:8]}"
        assert row["text_licence"] == row["seed_licence"] == "CC0-1.0"
        assert row["seed_text"] and row["text_id"] == text_id(row)
        assert row["dialect"] == ("cmn" if row["language"] == "zh" else "")


def test_every_text_passes_the_checks(
    rows: list[dict[str, Any]], dialects: list[dict[str, Any]]
) -> None:
    cells: dict[tuple[str, str], list[str]] = {}
    for row in rows + dialects:
        cells.setdefault((row["language"], row["dialect"]), []).append(row["text"])
    for (language, dialect), texts in cells.items():
        wanted = Wanted(Language(language), dialect, Emotion.NEUTRAL)
        assert not any(faults_of(texts, wanted, LENGTHS[language]))


@pytest.mark.parametrize(
    ("language", "dialect"), [("en", "en-US"), ("en", "en-GB"), ("zh", "cmn"), ("ja", "ja-JP")]
)
def test_the_studio_can_read_every_text(
    rows: list[dict[str, Any]], language: str, dialect: str
) -> None:
    read = open_frontend(dialect)
    assert all(read(row["text"]) for row in rows if row["language"] == language)


def test_the_same_seed_gives_the_same_texts_and_another_seed_others() -> None:
    few: dict[str, Any] = {"dialects": ["en-US", "yue"], "emotions": ["joy"], "count": 20}
    assert written_texts(**few).equals(written_texts(**few))
    first = set(written_texts(**few)["text"].to_pylist())
    assert len(first & set(written_texts(**few, seed=1)["text"].to_pylist())) < 20


@pytest.mark.parametrize("variety", VARIETIES)
def test_each_level_has_words_of_its_own(variety: str) -> None:
    for emotion in FEELINGS:
        table = framing(variety)["emotions"][emotion.value]
        for part in ("openings", "closings", "dialogues"):
            levels = [set(words) for words in table[part]]
            assert len(levels) == 5 and all(levels)
            assert sum(map(len, levels)) == len(set().union(*levels)), (variety, emotion, part)
        assert len(set(table["questions"])) == 5


@pytest.mark.parametrize("variety", VARIETIES)
def test_no_question_points_at_what_a_situation_may_not_have(variety: str) -> None:
    """Nobody sees a sister who does not answer, and a forgotten speech gets nobody."""
    points = re.compile(
        r"\b(see|gets|normal|have to be|must that)\b|看到|睇到|正常|出事|偏偏|何か変|助かる|私なの",
        re.IGNORECASE,
    )
    emotions = framing(variety)["emotions"].values()
    questions = [question for table in emotions for question in table["questions"]]
    assert len(questions) == 5 * len(FEELINGS)
    assert not [question for question in questions if points.search(question)]


@pytest.mark.parametrize("variety", VARIETIES)
def test_words_grow_stronger_by_level(variety: str) -> None:
    for emotion in FEELINGS:
        table = framing(variety)["emotions"][emotion.value]
        strength = []
        for level in range(5):
            said = [*table["openings"][level], *table["closings"][level], table["ends"][level]]
            marks = sum(len(STRONG.findall(one)) for one in said)
            length = sum(map(len, table["closings"][level]))
            strength.append((marks, length))
        assert strength[0][0] < strength[2][0] <= strength[4][0], (variety, emotion, strength)
        assert strength[0][1] < strength[4][1], (variety, emotion, strength)


def test_texts_of_level_1_are_weaker_than_others_and_no_text_is_of_two_levels() -> None:
    table = written_texts(emotions=["joy", "anger"], levels=[1, 3, 5], count=40).to_pylist()
    for language in ("en", "zh", "ja"):
        for emotion in ("joy", "anger"):
            means = []
            for level in (1, 3, 5):
                own = [
                    row["text"]
                    for row in table
                    if (row["language"], row["emotion"], row["emotion_level"])
                    == (language, emotion, level)
                ]
                means.append(sum(len(STRONG.findall(text)) for text in own) / len(own))
            assert 2 * means[0] < min(means[1:]), (language, emotion, means)
    assert len({row["text"] for row in table}) == len(table)


def test_a_situation_has_only_levels_that_it_bears() -> None:
    deaths = [row for row in written_texts(["en-US"], ["sadness"], [1], count=120).to_pylist()
              if "dog died" in row["text"]]  # fmt: skip
    assert not deaths
    found = written_texts(["en-US"], ["sadness"], [5], count=120).to_pylist()
    assert any("dog died" in row["text"] for row in found)


def test_situations_cover_every_topic_for_every_emotion() -> None:
    for language in (Language.ENGLISH, Language.CHINESE, Language.JAPANESE):
        there = {(one.emotion, one.topic) for one in situations(language)}
        assert there >= {(emotion, topic) for emotion in FEELINGS for topic in Topic}
        assert len(sentences(language)) == 220


def test_dialects_have_words_of_their_own(dialects: list[dict[str, Any]]) -> None:
    yue = [row["text"] for row in dialects if row["dialect"] == "yue"]
    sichuan = [row["text"] for row in dialects if row["dialect"] == "sichuan"]
    assert len(yue) > 200
    assert not any(re.search(r"[的吗他她们这那没]", one.replace("的士", "")) for one in yue)
    assert len(sichuan) > 200
    for row in dialects:
        assert row["seed_text"] != row["text"] or row["emotion"] != "neutral"


def test_sichuanese_denies_and_asks_with_one_spelling_each(
    dialects: list[dict[str, Any]],
) -> None:
    denies = re.compile(r"(?<!有)没得(?!？)")
    asks = re.compile(r"有莫得|莫得？")
    table = framing("sichuan")["emotions"]
    said = [row["text"] for row in dialects if row["dialect"] == "sichuan"]
    said += [*lexicon("sichuan").values(), str(table)]
    assert any("莫得" in one for one in said) and "没得" in str(table)
    assert not [one for one in said if denies.search(f"{one}？") or asks.search(one)]


def test_registers_show_in_the_words() -> None:
    table = written_texts(["en-US", "ja-JP"], ["joy"], [0], count=100).to_pylist()
    by_register: dict[str, list[str]] = {}
    for row in table:
        by_register.setdefault(row["register"], []).append(row["text"])
    assert not any("'" in text for text in by_register["formal"])
    assert all(re.search(r"\w'\w", text) for text in by_register["casual"])
    assert all(
        re.search(r"(です|ます|ました|ません)[。！]", text) for text in by_register["polite"]
    )
    assert all("存じ" in text or "ございま" in text for text in by_register["honorific"])
    assert not any(re.search(r"(です|ます|ました)[。！]", text) for text in by_register["plain"])


def test_nobody_s_death_is_told_in_keigo() -> None:
    table = written_texts(["ja-JP"], ["sadness"], [3], registers=["honorific"], count=60)
    told = table["text"].to_pylist()
    assert len(told) > 10 and not any("死" in text for text in told)
    plain = written_texts(["ja-JP"], ["sadness"], [3], registers=["plain"], count=200)
    assert any("死んだ" in text for text in plain["text"].to_pylist())


def test_only_registers_that_are_asked_for_are_written() -> None:
    table = written_texts(["ja-JP"], ["joy", "neutral"], registers=["honorific"], count=10)
    assert set(table["register"].to_pylist()) == {"honorific"}


def test_digests_of_tables_tell_varieties_apart() -> None:
    digests = {
        tables_digest(Language.CHINESE if name in ("yue", "sichuan") else Language(name), name)
        for name in VARIETIES
    }
    assert len(digests) == 5


def test_the_table_explains_its_columns() -> None:
    assert written_texts(["en-US"], ["joy"], count=1).schema.equals(WRITTEN_SCHEMA)
    sample = described("x", WRITTEN_SCHEMA.field("topic").type, "")
    assert all(field.metadata for field in WRITTEN_SCHEMA) and sample.metadata is not None


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"dialects": ["ko-KR"]}, "the rules write no ko-KR"),
        ({"dialects": ["tlh"]}, "there is no dialect 'tlh'"),
        ({"emotions": ["glee"]}, "there is no emotion 'glee'"),
        ({"registers": ["rude"]}, "there is no register 'rude'"),
        ({"emotions": ["joy"], "levels": [7]}, "the level of joy texts is 7"),
        ({"count": 0}, "prompts.count is 0"),
        ({"dialects": []}, "the list of dialects is empty"),
        ({"levels": []}, "the list of levels is empty"),
        ({"lengths": {"en": [1, 2]}, "dialects": ["en-US"]}, "the rules have no such texts"),
        ({"lengths": {"en": [60, 20]}}, "the lengths of 'en'"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        written_texts(**asked)
