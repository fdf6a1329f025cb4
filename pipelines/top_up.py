"""Asking until so many are accepted: quotas of accepted utterances, filled in rounds.

A round asks of each cell about as much as is missing, by what its yield is taken to be; then all is
judged, and the yields are learned. A cell ends when its quota is met, its prompts are used up or
its yield is too low to go on; all end when the budget is spent. Where the teacher is sampled, a
rejected prompt can be asked again with another seed (best of n): that is done where it costs less
for each accepted utterance than a fresh prompt, and where there are no fresh ones.

What a round asks follows from what the corpus has, so a run that was stopped goes on where it was.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.prompts.cell import Cell
from lauter.datasets.prompts.quotas import Draw
from lauter.datasets.records import PROMPT_SCHEMA
from lauter.pipelines.ancestry import with_ancestors
from lauter.pipelines.cost import Prices, Spent
from lauter.pipelines.judge import judge_corpus
from lauter.pipelines.ledger import CellLedger, Ledger, read_along, read_ledger, shares, total
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.synthesize import Job, OnBatch, synthesize
from lauter.pipelines.yields import Yield, pooled
from lauter.teacher.ensemble import who_speaks
from lauter.teacher.protocol import Teacher

MET: Final = "met"
BUDGET_SPENT: Final = "budget spent"
USED_UP: Final = "prompts used up"
GIVEN_UP: Final = "yield too low"
_SURE: Final = 0.95
_FIRST_REQUESTS: Final = 32
"""So many are asked first where a budget bounds them and nothing is known of what one costs."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent, each None: no bound. A round that has begun is finished.

    Device hours and price count all that the cells of a corpus have cost so far, also in earlier
    runs; the wall time is this run's.
    """

    device_hours: float | None = None
    price: float | None = None
    wall_s: float | None = None

    def share_left(self, spent: Spent, wall_s: float, prices: Prices) -> float:
        """Return the smallest share that is left of any of them, 0 to 1."""
        used = (
            (self.device_hours, prices.device_hours(spent.seconds)),
            (self.price, prices.of(spent.seconds)),
            (self.wall_s, wall_s),
        )
        left = [1 - spent_ / bound if bound else 0.0 for bound, spent_ in used if bound is not None]
        return max(0.0, min(left, default=1.0))

    def affordable(
        self, spent: Spent, asked: int, prices: Prices, asked_now: int, wall_s: float
    ) -> float:
        """Return how many requests the rest is expected to pay for, with what comes along.

        Of prices, by what the ``asked`` requests so far have cost and the neutral speech that was
        spoken for them; of time, by those of this run (``asked_now``). Where nothing is known yet,
        a few, from which it will be.
        """
        rates = (
            (self.device_hours, prices.device_hours(spent.seconds), asked),
            (self.price, prices.of(spent.seconds), asked),
            (self.wall_s, wall_s, asked_now),
        )
        most = math.inf
        for bound, used, requests in rates:
            if bound is not None:
                known = requests and used
                most = min(most, (bound - used) / used * requests if known else _FIRST_REQUESTS)
        return max(1.0, most)


@dataclass(frozen=True, slots=True)
class Rules:
    """How quotas are filled.

    A prompt is asked at most ``best_of`` times, where the teacher is sampled. A cell whose yield is
    below ``least_yield`` (with 95 % certainty) is given up. ``text_price`` is what a fresh text
    costs, which is what asking again saves.
    """

    budget: Budget = field(default_factory=Budget)
    best_of: int = 3
    least_yield: float = 0.02
    text_price: float = 0.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a round asks of a cell: so many fresh prompts, so many again."""

    fresh: int
    again: int


@dataclass(frozen=True, slots=True)
class CellAccount:
    """What became of a cell, and how sure its yield is."""

    cell: Cell
    wanted: int
    state: str
    first: Yield
    again: Yield
    spent: Spent

    def as_dict(self, prices: Prices) -> dict[str, Any]:
        """Return the figures for ``run.json``."""
        low, high = self.first.interval()
        return {
            "cell": str(self.cell),
            "wanted": self.wanted,
            "state": self.state,
            "yield": self.first.mean,
            "yield_low": low,
            "yield_high": high,
            "asked_again": self.again.asked,
            "accepted_again": self.again.accepted,
            **self.spent.as_dict(prices),
        }


@dataclass(frozen=True)
class Account:
    """What a top-up came to: each cell, the rounds, and the time that it took."""

    cells: tuple[CellAccount, ...]
    spent: Spent
    rounds: int
    added: int
    wall_s: float

    @property
    def met(self) -> bool:
        """Whether every quota is full."""
        return all(one.state == MET for one in self.cells)


OnRound = Callable[[int, Ledger, dict[Cell, Wish]], None]


def top_up(
    job: Job,
    draw: Draw,
    teacher: Teacher,
    corpus: Corpus,
    *,
    seed: int,
    rules: Rules,
    prices: Prices,
    on_round: OnRound = lambda number, ledger, wishes: None,
    on_start: Callable[[int], None] = lambda pending: None,
    on_batch: OnBatch = lambda batch: None,
) -> Account:
    """Fill the quotas of ``draw`` with accepted utterances, and say what became of each cell."""
    started = time.monotonic()
    if corpus.count():
        # What a run that was killed left unjudged counts as well.
        with corpus.writing() as writer:
            judge_corpus(corpus, writer, job.policy, job.leave)
        corpus.refresh()
    sampled = {cell: _is_sampled(cell, draw, teacher) for cell in draw.counts}
    used_up: set[Cell] = set()
    stalled: set[Cell] = set()
    rounds = added = 0
    asked_before: int | None = None
    while True:
        ledger = read_ledger(corpus, draw.counts, job.policy.digest, prices)
        own, wall_s = total(ledger), time.monotonic() - started
        along = read_along(corpus, draw.counts, job.policy.digest) if draw.chains else Spent()
        asked_before = own.asked if asked_before is None else asked_before
        spent = own + along
        left = rules.budget.share_left(spent, wall_s, prices)
        prior = _prior(ledger)
        wishes = {
            cell: _wish(draw.counts[cell], entry, prior, rules, sampled[cell], cell in used_up)
            for cell, entry in ledger.items()
            if cell not in stalled
        }
        wishes = {cell: wish for cell, wish in wishes.items() if wish.fresh or wish.again}
        if not wishes or not left:
            break
        asked_now = own.asked - asked_before
        affordable = rules.budget.affordable(spent, own.asked, prices, asked_now, wall_s)
        wishes = _within(wishes, affordable)
        on_round(rounds, ledger, wishes)
        fresh, ended = _fresh(draw, wishes, ledger, teacher, seed, job.leave)
        used_up |= ended
        again = _again(wishes, ledger, corpus, teacher, seed, job.leave)
        asked = pa.concat_tables([*fresh, *again])
        if draw.chains:
            asked = with_ancestors(asked)
        rounds += 1
        new = synthesize(
            job, Plan(asked, asked.slice(0, 0)), teacher, corpus,
            on_start=on_start, on_batch=on_batch,
        )  # fmt: skip
        # Failures of earlier runs are asked again once, not once a round.
        job = replace(job, retry_failed=False)
        corpus.refresh()
        added += new
        if not new:
            # All that was wished for is there; a cell that has nothing else has had its say.
            stalled |= {cell for cell, wish in wishes.items() if wish.again or cell in used_up}
    cells = _accounts(draw, ledger, rules, left, used_up | stalled)
    return Account(cells, spent, rounds, added, time.monotonic() - started)


def _is_sampled(cell: Cell, draw: Draw, teacher: Teacher) -> bool:
    """Whether another seed gives other speech, by all voices of a cell."""
    who = who_speaks(teacher)
    return all(who(speaker, cell.dialect)[1].sampled for speaker in draw.speakers(cell))


def _prior(ledger: Ledger) -> float:
    return pooled(list(shares(ledger)))


def _wish(
    wanted: int, entry: CellLedger, prior: float, rules: Rules, sampled: bool, used_up: bool
) -> Wish:
    """Return what to ask next of a cell: enough to fill it, by what is known of its yield."""
    missing = wanted - entry.spent.accepted
    if missing <= 0:
        return Wish(0, 0)
    first, again = _yields(entry, prior)
    is_fresh = not used_up and not _hopeless(first, rules)
    again_left = _again_left(entry, rules) if sampled and not _hopeless(again, rules) else 0
    if is_fresh and again_left and not _again_is_cheaper(entry, first, again, rules):
        again_left = 0
    # Not more than were asked so far: a yield that is little known, and low, is got to know first.
    most = max(missing, entry.spent.asked)
    wish_again = min(again_left, most, math.ceil(missing / again.mean)) if again_left else 0
    rest = max(0.0, missing - wish_again * again.mean)
    fresh = min(most - wish_again, math.ceil(rest / first.mean)) if is_fresh else 0
    return Wish(fresh, wish_again)


def _yields(entry: CellLedger, prior: float) -> tuple[Yield, Yield]:
    first = Yield(entry.first_accepted, entry.first_asked, prior)
    # A prompt that failed is taken to be as good as a fresh one until it is known better.
    return first, Yield(entry.again_accepted, entry.again_asked, first.mean)


def _hopeless(share: Yield, rules: Rules) -> bool:
    return share.asked > 0 and share.bound(_SURE) < rules.least_yield


def _again_left(entry: CellLedger, rules: Rules) -> int:
    return sum(count < rules.best_of for count in entry.open_prompts.values())


def _again_is_cheaper(entry: CellLedger, first: Yield, again: Yield, rules: Rules) -> bool:
    asked = max(1, entry.spent.asked)
    price = sum(entry.prices) / asked
    return price / again.mean < (price + rules.text_price) / first.mean


def _within(wishes: dict[Cell, Wish], affordable: float) -> dict[Cell, Wish]:
    """Return wishes cut down to about so many requests."""
    asked = sum(wish.fresh + wish.again for wish in wishes.values())
    share = min(1.0, affordable / asked)
    return {
        cell: Wish(math.ceil(wish.fresh * share), math.ceil(wish.again * share))
        for cell, wish in wishes.items()
    }


def _fresh(
    draw: Draw,
    wishes: dict[Cell, Wish],
    ledger: Ledger,
    teacher: Teacher,
    seed: int,
    leave: Leave | None,
) -> tuple[list[pa.Table], set[Cell]]:
    """Return requests for prompts that were never asked, and the cells that have no more of them.

    Known is a prompt by its id, whoever spoke it and when.
    """
    requests, ended = [], set()
    for cell, wish in wishes.items():
        if not wish.fresh:
            continue
        known, capacity = ledger[cell].known, draw.capacity(cell)
        # Among so many, at most all of the known ones are known.
        count = min(capacity, len(known) + wish.fresh)
        drawn = plan(draw.prompts({cell: count}), teacher, seed=seed, leave=leave).requests
        is_new = [prompt not in known for prompt in drawn["prompt_id"].to_pylist()]
        requests.append(drawn.filter(pa.array(is_new, pa.bool_())).slice(0, wish.fresh))
        # None is new where planning refuses them, as by a voice that may not be used.
        if not any(is_new) or (count == capacity and sum(is_new) <= wish.fresh):
            ended.add(cell)
    return requests, ended


def _again(
    wishes: dict[Cell, Wish],
    ledger: Ledger,
    corpus: Corpus,
    teacher: Teacher,
    seed: int,
    leave: Leave | None,
) -> list[pa.Table]:
    """Return requests for prompts that are asked again, each with a seed it was not asked with.

    Those that were asked least often come first.
    """
    chosen: dict[int, list[str]] = {}
    for cell, wish in wishes.items():
        waiting = sorted(ledger[cell].open_prompts.items(), key=lambda one: (one[1], one[0]))
        for prompt, count in waiting[: wish.again]:
            chosen.setdefault(count, []).append(prompt)
    if not chosen:
        return []
    every = pa.array([prompt for some in chosen.values() for prompt in some])
    found = [
        pa.Table.from_batches([batch]).filter(pc.is_in(batch["prompt_id"], value_set=every))
        for batch in corpus.scan(PROMPT_SCHEMA.names)
    ]
    rows = pa.concat_tables(found)
    requests = []
    for count, prompts in chosen.items():
        of_count = rows.filter(pc.is_in(rows["prompt_id"], value_set=pa.array(prompts)))
        again = plan(_once(of_count), teacher, seed=seed + count, leave=leave)
        requests.append(again.requests)
    return requests


def _once(prompts: pa.Table) -> pa.Table:
    """Return each prompt once; it stands in the corpus as often as it was asked."""
    first: dict[str, int] = {}
    for number, prompt in enumerate(prompts["prompt_id"].to_pylist()):
        first.setdefault(prompt, number)
    return prompts.take(pa.array(list(first.values()))).select(PROMPT_SCHEMA.names)


def _accounts(
    draw: Draw, ledger: Ledger, rules: Rules, left: float, used_up: set[Cell]
) -> tuple[CellAccount, ...]:
    prior = _prior(ledger)
    cells = []
    for cell, entry in ledger.items():
        first, again = _yields(entry, prior)
        if entry.spent.accepted >= draw.counts[cell]:
            state = MET
        elif _hopeless(first, rules):
            state = GIVEN_UP
        elif cell in used_up or left:
            state = USED_UP
        else:
            state = BUDGET_SPENT
        cells.append(CellAccount(cell, draw.counts[cell], state, first, again, entry.spent))
    return tuple(cells)
