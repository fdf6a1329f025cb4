"""Quotas are filled to the last prompt, the same way each time, and a raised one only adds."""

import random
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.datasets.prompts.quotas import Draw, Quota
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.records import CELL_COLUMNS, PROMPT_SCHEMA
from lauter.datasets.voices import Voice
from lauter.pipelines.plan import plan
from lauter.teacher.fast import FastTeacher

DIALECTS = ["en-US", "cmn"]
MANNER = ("emotion", "emotion_level", "style", "speed_level")
small = settings(max_examples=50, deadline=None)
Rows = list[dict[str, Any]]


def texts(count: int) -> pa.Table:
    rows = [
        {"text": text, "language": language, "text_source": "here", "text_licence": "CC0-1.0"}
        | {"row": number}
        for number in range(count)
        for text, language in [(f"Sentence {number}.", "en"), (f"第{number}句。", "zh")]
    ]
    return pa.Table.from_pylist(rows, schema=TEXT_SCHEMA)


def fill(*drawn: Any, **settings: Any) -> pa.Table:
    """Return the prompts that fill all quotas of a draw."""
    draw = Draw(*drawn, **settings)
    return draw.prompts(draw.counts)


def voices(count: int) -> list[Voice]:
    return [
        Voice(f"{dialect}-{number}", dialect, "unknown", "CC0-1.0", "made up")
        for dialect in DIALECTS
        for number in range(count)
    ]


def filled(quotas: list[Quota], pool: int = 9, speakers: int = 3, seed: int = 0) -> Rows:
    prompts = fill(quotas, DIALECTS, speakers, texts(pool), voices(speakers), seed)
    assert prompts.schema.equals(PROMPT_SCHEMA)
    return prompts.to_pylist()  # type: ignore[no-any-return]


manners = st.sampled_from(
    [
        {},
        {"emotion": "joy", "emotion_level": 2},
        {"emotion": "joy", "emotion_level": 3},
        {"style": "rap"},
        {"speed_level": -2},
        {"emotion": "fear", "emotion_level": 1, "dialect": "cmn"},
        {"style": "sung", "speaker": "en-US-0", "dialect": "en-US"},
    ]
)


@st.composite
def quota_lists(draw: st.DrawFn) -> list[Quota]:
    chosen = draw(st.lists(manners, max_size=5, unique_by=lambda manner: tuple(manner.items())))
    return [Quota(draw(st.integers(0, 9)), **manner) for manner in chosen]


def cell(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("dialect", *MANNER))


@small
@given(quota_lists(), st.integers(0, 3))
def test_every_cell_gets_exactly_what_it_asked_for(quotas: list[Quota], seed: int) -> None:
    wanted = Counter[tuple[Any, ...]]()
    for quota in quotas:
        for dialect in [quota.dialect] if quota.dialect else DIALECTS:
            wanted[dialect, *(getattr(quota, name) for name in MANNER)] += quota.count
    rows = filled(quotas, seed=seed)
    assert Counter(map(cell, rows)) == +wanted
    assert all(row["language"] == {"en-US": "en", "cmn": "zh"}[row["dialect"]] for row in rows)


@small
@given(st.integers(1, 12), st.integers(1, 6), st.data())
def test_texts_and_speakers_take_turns_and_no_prompt_comes_twice(
    pool: int, speakers: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, pool * speakers))
    rows = [row for row in filled([Quota(count)], pool, speakers) if row["dialect"] == "cmn"]
    assert len({(row["text"], row["speaker"]) for row in rows}) == count
    for column, many in (("text", pool), ("speaker", speakers)):
        shares = Counter(row[column] for row in rows)
        assert len(shares) == min(count, many)
        assert max(shares.values(), default=0) - min(shares.values(), default=0) <= 1


@small
@given(quota_lists(), st.integers(0, 3))
def test_the_order_of_texts_quotas_and_voices_does_not_matter(
    quotas: list[Quota], seed: int
) -> None:
    def drawn(chance: random.Random) -> set[str]:
        order = list(range(len(texts(9))))
        shuffled_quotas, shuffled_voices = list(quotas), voices(3)
        for some in (order, shuffled_quotas, shuffled_voices):
            chance.shuffle(some)
        pool = texts(9).take(order)
        table = fill(shuffled_quotas, DIALECTS, 2, pool, shuffled_voices, seed)
        return set(table["prompt_id"].to_pylist())

    assert drawn(random.Random(1)) == drawn(random.Random(2))


@small
@given(quota_lists(), quota_lists(), st.integers(0, 3))
def test_more_quota_keeps_what_was_drawn(
    quotas: list[Quota], others: list[Quota], seed: int
) -> None:
    few = Counter(row["prompt_id"] for row in filled(quotas, 20, seed=seed))
    many = Counter(row["prompt_id"] for row in filled([*quotas, *others], 20, seed=seed))
    assert few <= many


def test_another_seed_is_another_draw() -> None:
    draws = [tuple(row["text"] for row in filled([Quota(5)], 50, seed=seed)) for seed in range(5)]
    assert len(set(draws)) == 5


def test_manners_draw_apart() -> None:
    rows = filled([Quota(20), Quota(20, emotion="joy", emotion_level=1)], 200)
    neutral = [row["text"] for row in rows if row["emotion"] == "neutral"]
    joy = [row["text"] for row in rows if row["emotion"] == "joy"]
    assert len(set(neutral) & set(joy)) < 15


def test_without_a_count_each_text_comes_once() -> None:
    rows = filled([Quota(None), Quota(2, style="rap")], 7)
    for dialect in DIALECTS:
        plain = [row for row in rows if (row["dialect"], row["style"]) == (dialect, "plain")]
        assert len({row["text"] for row in plain}) == len(plain) == 7
    assert len(rows) == 2 * (7 + 2)


def test_a_text_that_stands_there_twice_counts_once() -> None:
    pool = pa.concat_tables([texts(3), texts(3)])
    prompts = fill([Quota(3)], ["cmn"], 1, pool, voices(1), 0)
    assert len(set(prompts["text"].to_pylist())) == 3


def test_speakers_of_a_dialect_are_drawn_by_the_seed() -> None:
    drawn = set()
    for seed in range(8):
        prompts = fill([Quota(8)], ["cmn"], 2, texts(9), voices(6), seed)
        pair = frozenset(prompts["speaker"].to_pylist())
        assert len(pair) == 2
        drawn.add(pair)
    assert len(drawn) > 2


def test_a_dialect_or_speaker_that_nobody_has_is_left_to_planning() -> None:
    teacher = FastTeacher()
    quotas = [Quota(2), Quota(1, speaker="nobody", style="rap")]
    prompts = fill(quotas, ["en-US", "cmn"], 1, texts(2), teacher.capabilities().voices, 0)
    refused = plan(prompts, teacher).refused["refusal"].to_pylist()
    assert len(prompts) == 6
    assert any("speaks cmn" in sentence for sentence in refused)
    assert any("no speaker 'nobody'" in sentence for sentence in refused)


@pytest.mark.parametrize(
    ("manner", "sentence"),
    [
        ({"emotion_level": 2}, "emotion 'neutral' at level 2 is a contradiction"),
        ({"emotion": "joy"}, "emotion 'joy' at level 0 is a contradiction"),
    ],
)
def test_a_level_without_an_emotion_is_refused_by_planning(
    manner: dict[str, Any], sentence: str
) -> None:
    teacher = FastTeacher()
    voices = teacher.capabilities().voices
    prompts = fill([Quota(1, **manner)], ["en-US"], 1, texts(1), voices, 0)
    assert sentence in plan(prompts, teacher).refused["refusal"].to_pylist()[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"count": -3}, "a quota's count is -3; set 0 or more"),
        ({"count": "many"}, "a quota's count is 'many'; set a whole number"),
        ({"count": 2.5}, "a quota's count is '2.5'; set a whole number"),
        ({"count": True}, "a quota's count is 'True'; set a whole number"),
        ({"count": 1, "emotion_level": "high"}, "a quota's emotion_level is 'high'"),
        ({"count": 1, "speed_level": 300}, "a quota's speed_level is 300; no level is so high"),
    ],
)
def test_a_quota_that_is_none(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Quota(**options)


@pytest.mark.parametrize(
    ("quotas", "dialects", "speakers", "sentence"),
    [
        ([Quota(1)], ["klingon"], 1, "there is no dialect 'klingon'; choose from en-US, en-GB"),
        ([Quota(1, dialect="klingon")], [], 1, "there is no dialect 'klingon'"),
        ([Quota(1)], ["ja-JP"], 1, "there is no text in 'ja' for the dialect ja-JP; add some"),
        ([Quota(1)], ["cmn"], 0, "quotas.speakers_per_dialect is 0; set 1 or more"),
        (
            [Quota(19, emotion="joy", emotion_level=2)],
            ["cmn"],
            2,
            "the quotas ask for 19 prompts of cmn joy 2 plain, but there are only 18 "
            r"different ones \(texts: 9, speakers: 2\); ask for fewer, add texts or raise",
        ),
        (
            [Quota(1, speed_level=3), Quota(1, speed_level=3, speaker="cmn-0", dialect="cmn")],
            ["cmn"],
            1,
            r"the quotas ask for cmn neutral plain, speed \+3, cmn-0 and for the same by any",
        ),
    ],
)
def test_a_cell_that_cannot_be_filled(
    quotas: list[Quota], dialects: list[str], speakers: int, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        fill(quotas, dialects, speakers, texts(9), voices(3), 0)


def test_a_filled_quota_is_planned_to_the_last_prompt() -> None:
    teacher = FastTeacher()
    voices = teacher.capabilities().voices
    quotas = [Quota(220), Quota(50, emotion="joy", emotion_level=2), Quota(9, style="rap")]
    prompts = fill(quotas, ["en-US", "ja-JP"], 1, builtin_texts(), voices, 0)
    assert plan(prompts, teacher).requests.num_rows == 2 * (220 + 50 + 9)


def test_the_draw_is_the_same_in_every_version() -> None:
    prompts = fill([Quota(40)], DIALECTS, 2, texts(30), voices(4), seed=7)
    chosen = {"rows": prompts.select(["text", *CELL_COLUMNS]).to_pylist()}
    assert content_id("test", chosen) == "20a41945235ddda92825eecb756fc980"
