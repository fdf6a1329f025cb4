"""Figures with intervals: against slow references, laws, and what a verdict may say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.student.evaluation import Bootstrap, Difference, Estimate, Ratio, Verdict

FEW = Bootstrap(resamples=400, seed=3)
counts = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 60)), min_size=1, max_size=25)


def ratio(pairs: list[tuple[int, int]]) -> Ratio:
    return Ratio.of(*zip(*pairs, strict=True))


def slow_resamples(ratios: list[Ratio], bootstrap: Bootstrap) -> np.ndarray:
    """One resample after the other, utterance by utterance."""
    utterances = len(ratios[0].parts)
    generator = np.random.default_rng(bootstrap.seed)
    found = []
    for _ in range(bootstrap.resamples):
        drawn = generator.integers(utterances, size=utterances)
        found.append([sum(r.parts[i] for i in drawn) / sum(r.wholes[i] for i in drawn)
                      for r in ratios])  # fmt: skip
    return np.array(found)


@given(counts)
def test_an_estimate_is_that_of_a_slow_loop(pairs: list[tuple[int, int]]) -> None:
    slow = slow_resamples([ratio(pairs)], FEW)[:, 0]
    estimate = FEW.estimate(ratio(pairs))
    assert estimate.value == pytest.approx(sum(a for a, _ in pairs) / sum(b for _, b in pairs))
    assert (estimate.low, estimate.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))
    assert estimate.low <= estimate.high and estimate.utterances == len(pairs)


@given(counts, st.randoms(use_true_random=False))
def test_a_difference_pairs_utterances_in_the_same_resamples(
    pairs: list[tuple[int, int]], chance: object
) -> None:
    other = [(chance.randint(0, 30), whole) for _, whole in pairs]  # type: ignore[attr-defined]
    slow = slow_resamples([ratio(pairs), ratio(other)], FEW)
    drawn = slow[:, 0] - slow[:, 1]
    found = FEW.difference(ratio(pairs), ratio(other))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    assert found.upper == pytest.approx(np.quantile(drawn, 0.95))


@given(counts)
def test_identical_systems_do_not_differ_and_are_not_inferior(
    pairs: list[tuple[int, int]],
) -> None:
    found = FEW.difference(ratio(pairs), ratio(pairs))
    assert (found.value, found.low, found.high, found.upper) == (0, 0, 0, 0)
    assert Verdict("teacher", 1e-9, found).holds


@given(counts, st.integers(1, 20))
def test_a_shift_of_all_is_found_without_doubt(pairs: list[tuple[int, int]], shift: int) -> None:
    worse = [(part + shift * whole, whole) for part, whole in pairs]
    found = FEW.difference(ratio(worse), ratio(pairs))
    assert (found.value, found.low, found.upper) == pytest.approx((shift, shift, shift))
    assert not Verdict("teacher", shift - 0.5, found).holds
    assert Verdict("teacher", shift + 0.5, found).holds


def test_pairing_narrows_the_interval_where_texts_are_hard_for_both() -> None:
    generator = np.random.default_rng(0)
    characters = generator.integers(20, 60, 200)
    hard = generator.integers(0, 20, 200)
    teacher, student = Ratio.of(hard, characters), Ratio.of(
        hard + (generator.random(200) < 0.1), characters
    )  # fmt: skip
    paired = Bootstrap().difference(student, teacher)
    mixed = generator.permutation(200)
    apart = Bootstrap().difference(
        Ratio.of(student.parts[mixed], student.wholes[mixed]), teacher
    )  # fmt: skip
    assert paired.value == pytest.approx(apart.value)
    assert paired.high - paired.low < (apart.high - apart.low) / 4


def test_the_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(1).normal(3.5, 0.4, 1000)
    estimate = Bootstrap().estimate(Ratio.mean(values))
    half = 1.96 * values.std() / np.sqrt(1000)
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.002)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.002)


def test_the_upper_bound_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for trial in range(300):
        generator = np.random.default_rng(trial)
        characters = generator.integers(15, 60, 50)
        wrong = [np.where(generator.random(50) < p, generator.binomial(characters, 0.15) + 1, 0)
                 for p in (0.3, 0.2)]  # fmt: skip
        student, teacher = (Ratio.of(edits, characters) for edits in wrong)
        truth = 0.1 * (37 * 0.15 + 1) / 37
        covered += Bootstrap(300, trial).difference(student, teacher).upper >= truth
    assert 0.90 <= covered / 300 <= 0.985


def test_the_same_seed_gives_the_same_figures_and_blocks_do_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = Ratio.of([3, 0, 1, 8, 0], [10, 20, 30, 40, 50])
    first = Bootstrap(1000, 5).estimate(of)
    monkeypatch.setattr("lauter.student.evaluation._DRAWN_AT_ONCE", 35)
    assert Bootstrap(1000, 5).estimate(of) == first
    assert Bootstrap(1000, 6).estimate(of) != first


def test_long_utterances_weigh_what_they_say() -> None:
    of = Ratio.of([10, 0], [10, 990])
    assert of.value == 0.01 and Ratio.mean(of.parts / of.wholes).value == 0.5


@pytest.mark.parametrize(
    ("parts", "wholes"), [([], []), ([1.0], [0.0]), ([1.0, 2.0], [1.0]), ([[1.0]], [[1.0]])]
)
def test_what_makes_no_ratio_is_refused(parts: list[float], wholes: list[float]) -> None:
    with pytest.raises(ValueError):
        Ratio.of(parts, wholes)
    with pytest.raises(ValueError, match="make no pairs"):
        FEW.difference(Ratio.mean([1.0]), Ratio.mean([1.0, 2.0]))


FLAWLESS = FEW.difference(Ratio.of([0] * 60, [20] * 60), Ratio.of([0] * 60, [20] * 60))


def test_two_without_any_error_are_equals_and_neither_is_the_better() -> None:
    assert (FLAWLESS.value, FLAWLESS.low, FLAWLESS.high, FLAWLESS.upper) == (0, 0, 0, 0)
    equals, better = Verdict("teacher", 0.05, FLAWLESS), Verdict("teacher", 0.0, FLAWLESS)
    assert equals.holds and not better.holds
    assert equals.sentence == (
        "the student is not inferior to the teacher within the margin 0.05 at 95%: no text tells "
        "them apart (texts: 60)"
    )
    assert better.sentence == (
        "the student was not shown to be better than the teacher as the margin 0 asks at 95%: no "
        "text tells them apart (texts: 60)"
    )


@given(counts)
def test_a_margin_of_zero_holds_for_the_better_one_alone(pairs: list[tuple[int, int]]) -> None:
    worse = ratio([(part + 1, whole) for part, whole in pairs])
    better = Verdict("teacher", 0.0, FEW.difference(ratio(pairs), worse))
    assert better.holds and better.sentence.startswith("the student is better than the teacher")
    for student in (ratio(pairs), worse):
        assert not Verdict("teacher", 0.0, FEW.difference(student, ratio(pairs))).holds


def test_a_verdict_says_what_it_rests_on() -> None:
    difference = Difference(0.012, -0.01, 0.04, 60, 0.035)
    verdict = Verdict("teacher", 0.05, difference)
    assert verdict.holds and not Verdict("teacher", 0.035, difference).holds
    assert isinstance(difference, Estimate)
    assert verdict.sentence == (
        "the student is not inferior to the teacher within the margin 0.05 at 95%: its CER less "
        "the teacher's is +0.0120, and at most +0.0350 (texts: 60)"
    )
