"""`lauter synthesize`: speak, score, judge and keep what the corpus does not have yet."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import QualityGateMissedError, UsageError
from lauter.datasets.prompts.cell import Cell
from lauter.datasets.prompts.quotas import Draw
from lauter.orchestration.account import held, print_account, print_held, read_forecast
from lauter.orchestration.leave import leave_of, remember_book
from lauter.orchestration.making import (
    check_refusals,
    make_draw,
    make_job,
    make_rules,
    make_teacher,
    plan_of,
)
from lauter.orchestration.pricing import prices_of
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_places, print_refused, print_summary
from lauter.pipelines.ledger import Ledger
from lauter.pipelines.synthesize import Job, kept, synthesize
from lauter.pipelines.top_up import Account, Wish, top_up
from lauter.teacher.protocol import Teacher


def run(settings: DictConfig, console: Console) -> int:
    """Run the main job and print its table; quotas that stay open are exit code 3."""
    record = RunRecord("synthesize", settings)
    open_teacher, teacher = make_teacher(settings)
    job = make_job(settings, open_teacher, teacher)
    draw, refused = make_draw(settings, teacher)
    until_accepted = settings.until == "accepted"
    if not until_accepted and any(bound is not None for bound in settings.budget.values()):
        raise UsageError(
            "a budget bounds the rounds of until=accepted, and until is asked; set until=accepted, "
            "or leave the budget out and bound the quotas"
        )
    counts = draw.within_capacity() if until_accepted else draw.counts
    planned = plan_of(draw, refused, teacher, counts, settings.seed, leave_of(settings))
    print_refused(console, planned.refused)
    check_refusals(planned, settings.on_refusal)
    fingerprint = teacher.fingerprint()  # before servers may have changed
    corpus = Corpus.create(settings.corpus, exist_ok=True)
    remember_book(settings, corpus.path)
    account = None
    with kept(job, teacher):
        if until_accepted:
            account = _top_up(settings, console, job, draw, teacher, corpus)
            added = account.added
        else:
            with speech_progress(console) as progress:
                added = synthesize(
                    job, planned, teacher, corpus,
                    on_start=progress.start, on_batch=progress.advance,
                )  # fmt: skip
    if settings.tag:
        corpus.tag(settings.tag)
    summary = record.count(corpus, job.policy)
    record.facts |= {
        "requests": {
            "planned": planned.requests.num_rows,
            "refused": planned.refused.num_rows,
            "already_there": max(0, planned.requests.num_rows - added),
            "added": added,
        },
        "teacher": {"name": teacher.name, "fingerprint": fingerprint},
    }
    prices = prices_of(settings)
    print_summary(console, summary, prices)
    if account is not None:
        _tell(settings, console, record, account, draw, corpus, job)
    record.write(corpus.path)
    console.print(f"added {added} rows")
    print_places(console, corpus.path)
    if account is not None and not account.met:
        missing = [str(one.cell) for one in account.cells if one.state != "met"]
        raise QualityGateMissedError(
            f"{len(missing)} quotas are not full ({', '.join(missing[:3])}"
            f"{', …' if missing[3:] else ''}); the account above says why"
        )
    return 0


def _top_up(
    settings: DictConfig,
    console: Console,
    job: Job,
    draw: Draw,
    teacher: Teacher,
    corpus: Corpus,
) -> Account:
    def tell(number: int, ledger: Ledger, wishes: dict[Cell, Wish]) -> None:
        fresh = sum(wish.fresh for wish in wishes.values())
        again = sum(wish.again for wish in wishes.values())
        console.print(
            f"round {number + 1}: {fresh} prompts and {again} asked again, for {len(wishes)} quotas"
        )

    with speech_progress(console) as progress:
        return top_up(
            job, draw, teacher, corpus,
            seed=settings.seed, rules=make_rules(settings), prices=prices_of(settings),
            on_round=tell, on_start=progress.start, on_batch=progress.advance,
        )  # fmt: skip


def _tell(
    settings: DictConfig,
    console: Console,
    record: RunRecord,
    account: Account,
    draw: Draw,
    corpus: Corpus,
    job: Job,
) -> None:
    """Print the account, and the forecast where there is one; both go into the record."""
    prices = prices_of(settings)
    print_account(console, account, prices)
    record.facts["account"] = {
        "rounds": account.rounds,
        "met": account.met,
        "cells": [one.as_dict(prices) for one in account.cells],
    }
    foretold = read_forecast(corpus, draw, job.policy.digest)
    if foretold is not None:
        compared = held(foretold, account.spent, prices)
        record.facts["forecast"] = compared
        print_held(console, compared)
