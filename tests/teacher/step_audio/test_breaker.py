"""The breaker's laws, over any sequence of attempts that begin, answer, fail and are given up."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.breaker import Breaker

OPENS_AFTER, REST_S, LONGEST_S = 3, 1.0, 5.0


class AnyHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(OPENS_AFTER, REST_S, LONGEST_S)
        self.now = 0.0
        self.before_opening = 0  # attempts in flight that began while it was closed
        self.trials = 0
        self.in_a_row = 0

    @rule(seconds=st.floats(0, 10))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def an_attempt_begins(self) -> None:
        if not self.breaker.allows(self.now):
            return
        if self.breaker.is_open:
            assert self.now >= (self.breaker.open_until or 0)
            self.trials += 1
        else:
            self.before_opening += 1
        self.breaker = self.breaker.begun()

    @precondition(lambda self: self.before_opening)
    @rule()
    def an_early_attempt_fails(self) -> None:
        self.before_opening -= 1
        was_open, until = self.breaker.is_open, self.breaker.open_until
        self.breaker = self.breaker.failed(self.now, is_trial=False)
        if was_open:
            assert self.breaker.open_until == until
        else:
            self.in_a_row += 1
            assert self.breaker.is_open == (self.in_a_row == OPENS_AFTER)
        self.in_a_row %= OPENS_AFTER

    @precondition(lambda self: self.before_opening)
    @rule()
    def an_early_attempt_answers(self) -> None:
        self.before_opening -= 1
        # A trial in flight is then one among many of a closed breaker.
        self.before_opening += self.trials
        self.trials = self.in_a_row = 0
        self.breaker = self.breaker.succeeded()
        assert not self.breaker.is_open
        assert self.breaker.allows(self.now)

    @precondition(lambda self: self.trials)
    @rule(outcome=st.sampled_from(["answers", "fails", "is given up"]))
    def the_trial_ends(self, outcome: str) -> None:
        self.trials -= 1
        if outcome == "answers":
            self.breaker = self.breaker.succeeded()
            assert not self.breaker.is_open
        elif outcome == "fails":
            self.breaker = self.breaker.failed(self.now, is_trial=True)
            assert not self.breaker.allows(self.now)
        else:
            self.breaker = self.breaker.left()
            assert self.breaker.allows(self.now)

    @invariant()
    def one_trial_at_a_time(self) -> None:
        assert self.trials <= 1

    @invariant()
    def a_rest_is_bounded(self) -> None:
        if self.breaker.open_until is not None:
            assert self.breaker.open_until <= self.now + LONGEST_S


TestAnyHistory = AnyHistory.TestCase


def test_each_failed_trial_doubles_the_rest_up_to_the_longest() -> None:
    breaker, rests = Breaker(1, 1.0, 5.0), []
    for _ in range(5):
        breaker = breaker.begun().failed(100.0, is_trial=breaker.is_open)
        assert breaker.open_until is not None
        rests.append(breaker.open_until - 100.0)
    assert rests == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_an_answer_lets_the_next_rest_be_short_again() -> None:
    opened = Breaker(1, 1.0, 8.0).failed(0.0, is_trial=False).begun().failed(1.0, is_trial=True)
    assert opened.begun().succeeded().failed(50.0, is_trial=False).open_until == 51.0


def test_a_breaker_that_never_opens_makes_no_sense() -> None:
    with pytest.raises(UsageError, match="breaker that opens after 0"):
        Breaker(opens_after=0)
