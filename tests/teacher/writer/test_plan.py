"""Tasks are spread evenly, cut to size, and have seeds; levels and dialects are checked."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Emotion, Language
from lauter.teacher.writer.balance import evenness, in_turn, shuffled, spread
from lauter.teacher.writer.plan import kinds_of, seed_text
from lauter.teacher.writer.task import Genre, Kind, Register, Topic, Wanted

KINDS = st.builds(Kind, st.sampled_from(Topic), st.sampled_from(Genre))
STOCKS = st.dictionaries(KINDS, st.one_of(st.none(), st.integers(0, 9)), min_size=1)


@given(st.integers(0, 200), STOCKS, st.text(max_size=3))
def test_as_many_are_spread_as_there_are_and_never_more_of_a_kind(
    count: int, stock: dict[Kind, int | None], key: str
) -> None:
    shares = spread(count, stock, key)
    room = None if None in stock.values() else sum(one or 0 for one in stock.values())
    assert sum(shares.values()) == (count if room is None else min(count, room))
    assert all(stock[kind] is None or share <= (stock[kind] or 0) for kind, share in shares.items())


@given(st.integers(0, 200), st.sets(KINDS, min_size=1), st.text(max_size=3))
def test_topics_differ_by_one_text_at_most(count: int, kinds: set[Kind], key: str) -> None:
    shares = spread(count, dict.fromkeys(kinds), key)
    topics = Counter({kind.topic: 0 for kind in kinds})
    for kind, share in shares.items():
        topics[kind.topic] += share
    assert max(topics.values()) - min(topics.values()) <= 1


@given(st.sets(KINDS, min_size=1), st.integers(0, 60), st.text(max_size=3))
def test_topics_take_turns(kinds: set[Kind], count: int, key: str) -> None:
    turns = in_turn(sorted(kinds, key=str), count, key)
    assert len(turns) == count and set(turns) <= kinds
    topics = Counter({kind.topic: 0 for kind in kinds})
    topics.update(kind.topic for kind in turns)
    assert max(topics.values()) - min(topics.values()) <= 1
    of_one = [kind for kind in turns if kind.topic == turns[0].topic] if turns else []
    own = [kind for kind in kinds if kind.topic == turns[0].topic] if turns else []
    assert len(set(of_one)) == min(len(of_one), len(own))


def test_evenness_is_1_where_all_are_alike_and_0_where_there_is_one() -> None:
    assert evenness("aabbcc") == pytest.approx(1.0)
    assert evenness("aaaa") == 0.0
    assert 0 < evenness("aaaaaab") < 0.7


@given(st.sets(st.text(max_size=3)), st.text(max_size=3))
def test_an_order_is_of_the_content_alone(things: set[str], key: str) -> None:
    assert shuffled(sorted(things), key) == shuffled(sorted(things, reverse=True), key)


def test_registers_are_those_of_the_language() -> None:
    def registers(language: Language, *asked: Register) -> set[str]:
        kinds = kinds_of(language, [Topic.FOOD], [Genre.NEWS], asked)
        return {kind.register.value for kind in kinds}

    assert registers(Language.ENGLISH) == {"", "formal", "casual", "chatty"}
    assert registers(Language.ENGLISH, Register.FORMAL, Register.HONORIFIC) == {"formal"}
    assert registers(Language.CHINESE, Register.FORMAL) == {""}


def test_seeds_are_sentences_of_the_genre_and_language() -> None:
    wanted = Wanted(Language.JAPANESE, "", Emotion.JOY)
    seeds = {seed_text(wanted, Kind(Topic.FOOD, Genre.QUESTION), n, 3) for n in range(22)}
    assert len(seeds) == 22
    assert all(seed.licence == "CC0-1.0" for seed in seeds)
    assert "駅の近くに薬局はありますか？" in {seed.text for seed in seeds}
    korean = Wanted(Language.KOREAN, "", Emotion.JOY)
    assert seed_text(korean, Kind(Topic.FOOD, Genre.NEWS), 0, 0).text == ""


@pytest.mark.parametrize(("emotion", "level"), [("joy", 6), ("joy", -1), ("neutral", 1)])
def test_a_level_that_is_none_is_refused(emotion: str, level: int) -> None:
    with pytest.raises(UsageError, match=f"the level of {emotion} texts is {level}"):
        Wanted(Language.ENGLISH, "", Emotion(emotion), level)


def test_a_dialect_of_another_language_is_refused() -> None:
    with pytest.raises(UsageError, match="yue is no dialect of 'en'"):
        Wanted(Language.ENGLISH, "yue", Emotion.JOY)
