"""Quotas of accepted utterances are filled, within what may be spent, and accounted for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wavering_teacher import DEVICE_S, POLICY, WaveringTeacher, draw_of

from lauter.datasets.consent import Consent, Event, Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.prompts.quotas import Draw, Quota
from lauter.datasets.voices import Use
from lauter.pipelines.cost import Prices
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import Job
from lauter.pipelines.top_up import (
    BUDGET_SPENT,
    GIVEN_UP,
    MET,
    USED_UP,
    Account,
    Budget,
    Rules,
    top_up,
)

PRICES = Prices(by_stage={"teacher": 3600.0})
EASY = [f"an easy text of number {number}" for number in range(300)]


def job(teacher: WaveringTeacher) -> Job:
    return Job(
        speaking=Speak(
            partial(WaveringTeacher, teacher.good, teacher.sampled), Resources(), codes=True
        ),
        open_scorers=(),
        policy=POLICY,
        engine=InlineEngine(),
    )


def filled(
    folder: Path, draw: Draw, rules: Rules | None = None, teacher: WaveringTeacher | None = None
) -> tuple[Account, Corpus]:
    teacher = teacher or WaveringTeacher()
    corpus = Corpus.create(folder / "corpus", exist_ok=True)
    account = top_up(
        job(teacher), draw, teacher, corpus, seed=0, rules=rules or Rules(), prices=PRICES
    )
    corpus.refresh()
    return account, corpus


def accepted(corpus: Corpus) -> Counter[tuple[str, int]]:
    return Counter(
        (row["emotion"], row["emotion_level"])
        for batch in corpus.scan_judged(["emotion", "emotion_level"], accepted=True)
        for row in batch.to_pylist()
    )


def test_quotas_are_filled_to_the_last_accepted_utterance(tmp_path: Path) -> None:
    quotas = [Quota(20), Quota(7, emotion="joy", emotion_level=3)]
    account, corpus = filled(tmp_path, draw_of(EASY, quotas))
    found = accepted(corpus)
    assert account.met
    assert found["neutral", 0] >= 20 and found["joy", 3] >= 7
    assert [one.state for one in account.cells] == [MET, MET]
    assert sum(one.spent.asked for one in account.cells) == corpus.count() == account.added


def test_what_is_learned_of_a_yield_keeps_rounds_few_and_asks_for_little_too_much(
    tmp_path: Path,
) -> None:
    account, corpus = filled(tmp_path, draw_of(EASY, [Quota(60)]))
    assert account.rounds <= 6
    assert accepted(corpus)["neutral", 0] <= 70
    (cell,) = account.cells
    low, high = cell.first.interval(0.999)
    assert low < 0.5 < high


def test_a_filled_corpus_is_asked_for_nothing(tmp_path: Path) -> None:
    draw = draw_of(EASY, [Quota(10)])
    filled(tmp_path, draw)
    again, _ = filled(tmp_path, draw)
    assert (again.met, again.added, again.rounds) == (True, 0, 0)


def test_raised_quotas_go_on_from_what_is_there(tmp_path: Path) -> None:
    _, corpus = filled(tmp_path, draw_of(EASY, [Quota(10)]))
    before = corpus.count()
    account, corpus = filled(tmp_path, draw_of(EASY, [Quota(15)]))
    assert account.met
    assert corpus.count() == before + account.added


def test_a_teacher_that_has_changed_is_asked_no_prompt_again(tmp_path: Path) -> None:
    _, corpus = filled(tmp_path, draw_of(EASY, [Quota(40)]))
    before = corpus.count()
    newer = WaveringTeacher(good=0.51)
    account, corpus = filled(tmp_path, draw_of(EASY, [Quota(44)]), teacher=newer)
    assert account.met
    assert corpus.count() - before < 30
    asked = [row["prompt_id"] for batch in corpus.scan() for row in batch.to_pylist()]
    assert len(set(asked)) == len(asked)


def test_texts_that_are_new_go_on_where_others_are_used_up(tmp_path: Path) -> None:
    alone = WaveringTeacher(sampled=False)
    first, _ = filled(tmp_path, draw_of(EASY[:20], [Quota(30)]), teacher=alone)
    assert first.cells[0].state == USED_UP
    more, corpus = filled(tmp_path, draw_of(EASY[100:200], [Quota(30)]), teacher=alone)
    assert more.met
    assert corpus.count() < 100


def test_a_hopeless_cell_is_given_up_also_where_seeds_could_be_tried(tmp_path: Path) -> None:
    poor = WaveringTeacher(good=0.1)
    rules = Rules(least_yield=0.3, best_of=3)
    account, corpus = filled(tmp_path, draw_of(EASY, [Quota(60)]), rules, poor)
    assert account.cells[0].state == GIVEN_UP
    assert corpus.count() < 300


def test_a_cell_whose_prompts_are_used_up_says_so(tmp_path: Path) -> None:
    teacher = WaveringTeacher(sampled=False)
    account, corpus = filled(tmp_path, draw_of(EASY[:8], [Quota(8)]), teacher=teacher)
    (cell,) = account.cells
    assert cell.state == USED_UP
    assert corpus.count() == 8
    assert not account.met


def test_where_prompts_are_few_rejected_ones_are_asked_again_with_other_seeds(
    tmp_path: Path,
) -> None:
    account, corpus = filled(tmp_path, draw_of(EASY[:8], [Quota(8)]), Rules(best_of=12))
    (cell,) = account.cells
    assert cell.state == MET
    assert cell.again.asked == corpus.count() - 8 > 0
    seeds = [row["seed"] for batch in corpus.scan(["seed"]) for row in batch.to_pylist()]
    assert max(seeds) >= 1


def test_no_prompt_is_asked_more_often_than_best_of(tmp_path: Path) -> None:
    texts = ["this one is never right", *EASY[:3]]
    account, corpus = filled(tmp_path, draw_of(texts, [Quota(4)]), Rules(best_of=4))
    asked = Counter(
        row["prompt_id"] for batch in corpus.scan(["prompt_id"]) for row in batch.to_pylist()
    )
    assert max(asked.values()) == 4
    assert account.cells[0].state == USED_UP


def test_a_cell_that_is_never_accepted_is_given_up(tmp_path: Path) -> None:
    texts = [f"never number {number}" for number in range(2000)]
    account, corpus = filled(tmp_path, draw_of(texts, [Quota(30)]), Rules(least_yield=0.05))
    assert account.cells[0].state == GIVEN_UP
    assert corpus.count() < 400


@pytest.mark.parametrize(
    "budget", [Budget(device_hours=40 * DEVICE_S / 3600), Budget(price=40 * DEVICE_S * 1.001)]
)
def test_a_spent_budget_stops_the_run_and_says_so(tmp_path: Path, budget: Budget) -> None:
    rules = Rules(budget)
    account, corpus = filled(tmp_path, draw_of(EASY, [Quota(250)]), rules)
    assert [one.state for one in account.cells] == [BUDGET_SPENT]
    assert 40 <= corpus.count() <= 44
    richer, corpus = filled(tmp_path, draw_of(EASY, [Quota(20)]))
    assert richer.met


JOY = [Quota(30, emotion="joy", emotion_level=1)]


def test_what_chains_begin_with_is_paid_for_too(tmp_path: Path) -> None:
    """Each level is spoken with the neutral speech that it is edited from: two of a text."""
    teacher = WaveringTeacher(sampled=False, editing=True)
    account, corpus = filled(tmp_path, draw_of(EASY, JOY, chains=True), teacher=teacher)
    (cell,) = account.cells
    assert account.met and cell.spent.asked < corpus.count() == account.added
    assert account.spent.asked == corpus.count()
    assert PRICES.of(account.spent.seconds) == pytest.approx(corpus.count() * DEVICE_S)


def test_neutral_speech_that_no_chain_begins_with_is_not_paid_for(tmp_path: Path) -> None:
    teacher = WaveringTeacher(good=1.0, sampled=False, editing=True)
    others = [f"another easy text of number {number}" for number in range(100)]
    _, corpus = filled(tmp_path, draw_of(others, [Quota(100)]), teacher=teacher)
    assert corpus.count() == 100
    draw = draw_of(EASY, JOY, chains=True)
    account, corpus = filled(tmp_path, draw, Rules(Budget(price=80 * DEVICE_S)), teacher)
    assert account.met
    assert account.spent.asked == account.added == corpus.count() - 100 == 60


def test_a_budget_is_asked_for_no_more_than_pays_for_what_chains_begin_with_too(
    tmp_path: Path,
) -> None:
    teacher = WaveringTeacher(good=1.0, sampled=False, editing=True)
    draw = draw_of(EASY, [replace(JOY[0], count=250)], chains=True)
    rules = Rules(Budget(price=120 * DEVICE_S))
    account, corpus = filled(tmp_path, draw, rules, teacher)
    # The first round is of 32 edits, of which nothing was known, and the rest pays for the second.
    assert account.cells[0].state == BUDGET_SPENT
    assert 120 <= corpus.count() <= 124


def test_texts_that_cost_make_asking_again_the_cheaper_way(tmp_path: Path) -> None:
    draw = draw_of(EASY, [Quota(40)])
    dear, _ = filled(tmp_path / "dear", draw, Rules(text_price=1e9, best_of=6))
    free, _ = filled(tmp_path / "free", draw, Rules(text_price=0.0, best_of=6))
    assert dear.met and free.met
    assert dear.cells[0].again.asked > free.cells[0].again.asked


@pytest.mark.slow
@settings(max_examples=6)
@given(
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=3),
    good=st.floats(0.2, 1.0),
)
def test_a_run_that_is_stopped_between_rounds_ends_as_one_that_is_not(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], good: float
) -> None:
    quotas = [
        Quota(count, emotion="joy", emotion_level=level)
        for level, count in enumerate(counts, start=1)
    ]
    teacher = WaveringTeacher(good)
    whole, one = filled(tmp_path_factory.mktemp("whole"), draw_of(EASY, quotas), None, teacher)

    class StoppedError(Exception):
        pass

    def stop_after(rounds: int) -> Callable[..., None]:
        def stop(number: int, *_: object) -> None:
            if number == rounds:
                raise StoppedError

        return stop

    folder = tmp_path_factory.mktemp("parts")
    for _ in range(whole.rounds + 1):
        corpus = Corpus.create(folder / "corpus", exist_ok=True)
        try:
            top_up(
                job(teacher), draw_of(EASY, quotas), teacher, corpus, seed=0, rules=Rules(),
                prices=PRICES, on_round=stop_after(1),
            )  # fmt: skip
        except StoppedError:
            continue
        break
    corpus.refresh()
    assert corpus.digest() == one.digest()


def test_a_cell_whose_voices_may_not_be_used_ends(tmp_path: Path) -> None:
    teacher, corpus = WaveringTeacher(), Corpus.create(tmp_path / "corpus")
    ledger = tuple(
        Consent("2026-05-03T12:00:00+00:00", voice.speaker, Event.WITHDRAWN, "somebody")
        for voice in teacher.capabilities().voices
    )
    made = replace(job(teacher), leave=Leave(Use.RESEARCH, date(2026, 11, 22), ledger=ledger))
    draw = draw_of(EASY, [Quota(5)])
    account = top_up(made, draw, teacher, corpus, seed=0, rules=Rules(), prices=PRICES)
    assert [one.state for one in account.cells] == [USED_UP]
    assert account.added == 0
