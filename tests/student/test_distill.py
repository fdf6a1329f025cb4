"""Losses against slow references: loops over places and entries, in float64."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, END, Vocabulary
from lauter.datasets.top_logits import TopLogits, compress, decompress
from lauter.student.distill import (
    LEAST_LOG_PROBABILITY,
    Loss,
    LossSettings,
    TeacherTop,
    distillation_loss,
    distillation_loss_of_hidden,
    means,
)
from lauter.student.divergence import DIVERGENCES

TEXT = COMPACT.text_size
KINDS = ("sequence", *DIVERGENCES)


def legal_ids(slot: int) -> list[int]:
    if slot > 1:
        return list(range(TEXT + 1024, TEXT + 5120))
    return [*range(TEXT, TEXT + 1024), *([END] if slot == 0 else [])]


def divergence(kind: str, p: np.ndarray, q: np.ndarray, skew: float) -> float:
    def kl(a: np.ndarray, b: np.ndarray) -> float:
        return sum(x * (math.log(x) - math.log(y)) for x, y in zip(a, b, strict=True) if x > 0)

    middle = (p + q) / 2
    return {
        "forward_kl": lambda: kl(p, q),
        "reverse_kl": lambda: kl(q, p),
        "jensen_shannon": lambda: (kl(p, middle) + kl(q, middle)) / 2,
        "skewed_kl": lambda: kl(p, skew * p + (1 - skew) * q),
        "skewed_reverse_kl": lambda: kl(q, (1 - skew) * p + skew * q),
    }[kind]()


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def slow_loss(
    logits: np.ndarray,
    targets: list[int],
    slots: list[int],
    how: LossSettings,
    teacher: TeacherTop | Tensor | None,
    weights: list[float],
) -> tuple[float, float]:
    """Return total and count, place by place."""
    total = count = 0.0
    for place, (target, slot, weight) in enumerate(zip(targets, slots, weights, strict=True)):
        legal = legal_ids(slot)
        taken = legal if how.slot_aware else list(range(COMPACT.size))
        temperature = how.semantic_temperature if slot > 1 else how.linguistic_temperature
        loss = -math.log(softmax(logits[place, taken])[taken.index(target)])
        if how.wants_teacher:
            student = softmax(logits[place, taken] / temperature)
            if isinstance(teacher, TeacherTop):
                named = [int(entry) for entry in teacher.entries[place] if entry >= 0]
                columns = [taken.index(legal[entry]) for entry in named]
                said = teacher.log_probabilities[place].double().tolist()[: len(named)]
                logs = [max(log, LEAST_LOG_PROBABILITY) / temperature for log in said]
                q = [student[column] for column in columns]
                rest = np.delete(student, columns)
                if len(rest):
                    tail = max(float(teacher.tail[place]), math.exp(LEAST_LOG_PROBABILITY))
                    unnamed = max(len(legal) - len(named), 1)
                    logs.append(math.log(unnamed * (tail / unnamed) ** (1 / temperature)))
                    q.append(rest.sum())
                p = softmax(np.array(logs))
                apart = divergence(how.kind, p, np.array(q), how.skew)
            else:
                p = softmax(teacher[place, taken].double().numpy() / temperature)
                apart = divergence(how.kind, p, student, how.skew)
            loss = (1 - how.teacher_weight) * loss + how.teacher_weight * temperature**2 * apart
        stream = how.semantic_weight if slot > 1 else how.linguistic_weight
        total += stream * weight * loss
        count += stream * weight
    return total, count


def random_batch(seed: int, places: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return logits, targets (the last one in slot 0 is the end), slots and weights."""
    random = np.random.default_rng(seed)
    slots = random.integers(0, 5, places)
    targets = [int(random.choice(legal_ids(slot))) for slot in slots]
    for place in np.flatnonzero(slots == 0)[-1:]:
        targets[place] = END
    logits = torch.from_numpy(random.normal(size=(places, COMPACT.size)) * 3)
    weights = torch.from_numpy(random.uniform(0, 2, places))
    return logits, torch.tensor(targets), torch.from_numpy(slots), weights


def random_top(seed: int, slots: Tensor, k: int) -> TeacherTop:
    """Return k entries a place, the last places fewer, and a tail that is sometimes 0 or 1."""
    random = np.random.default_rng(seed)
    entries = torch.full((len(slots), k), -1)
    logs = torch.full((len(slots), k), -math.inf)
    tails = torch.zeros(len(slots))
    for place, slot in enumerate(slots.tolist()):
        named = int(random.integers(0, k + 1))
        entries[place, :named] = torch.from_numpy(
            random.permutation(len(legal_ids(slot)))[:named].copy()
        )
        tail = 1.0 if not named else float(random.choice([0.0, 0.001, 0.3, 1.0]))
        masses = random.dirichlet(np.ones(named)) * (1 - tail) if named else np.array([])
        logs[place, :named] = torch.from_numpy(masses).float().log()
        tails[place] = tail
    return TeacherTop(entries, logs, tails)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    places=st.integers(1, 6),
    kind=st.sampled_from(KINDS),
    k=st.sampled_from([0, 1, 3, 64, None]),
    temperature=st.sampled_from([0.5, 1.0, 2.5]),
    slot_aware=st.booleans(),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    skew=st.sampled_from([0.0, 0.1, 0.7]),
)
def test_every_loss_is_what_loops_over_places_and_entries_say(
    seed: int,
    places: int,
    kind: str,
    k: int | None,
    temperature: float,
    slot_aware: bool,
    share: float,
    skew: float,
) -> None:
    how = LossSettings(
        kind, share, temperature, 1.0, linguistic_weight=0.5, semantic_weight=2.0,
        skew=skew, slot_aware=slot_aware,
    )  # fmt: skip
    logits, targets, slots, weights = random_batch(seed, places)
    random = np.random.default_rng(seed + 1)
    full = torch.from_numpy(random.normal(size=logits.shape) * 3)
    teacher = full if k is None else random_top(seed, slots, k)
    loss = distillation_loss(logits, targets, slots, how, COMPACT, teacher, weights)
    total, count = slow_loss(
        logits.numpy(), targets.tolist(), slots.tolist(), how, teacher, weights.tolist()
    )
    assert loss.total.item() == pytest.approx(total, rel=2e-5, abs=2e-5)
    assert loss.count.item() == pytest.approx(count, rel=1e-6)


def slow_gradient(
    logits: Tensor, function: Callable[[np.ndarray], float], columns: list[tuple[int, int]]
) -> list[float]:
    step = 1e-3
    slopes = []
    for place, column in columns:
        above, below = logits.numpy().copy(), logits.numpy().copy()
        above[place, column] += step
        below[place, column] -= step
        slopes.append((function(above) - function(below)) / (2 * step))
    return slopes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cached", [True, False])
def test_the_gradient_is_the_slope_of_the_slow_loss(kind: str, cached: bool) -> None:
    how = LossSettings(kind, 0.7, 2.0, 1.5)
    logits, targets, slots, weights = random_batch(3, 5)
    slots = torch.tensor([0, 1, 2, 4, 0])
    targets = torch.tensor([TEXT + 7, TEXT + 8, TEXT + 1024, TEXT + 5119, END])
    teacher = random_top(3, slots, 4) if cached else random_batch(4, 5)[0]
    logits.requires_grad_()
    distillation_loss(logits, targets, slots, how, COMPACT, teacher, weights).total.backward()
    looked_at = [(place, int(targets[place])) for place in range(5)]
    looked_at += [(0, END), (0, TEXT), (2, TEXT + 2000), (1, END), (3, TEXT)]
    if isinstance(teacher, TeacherTop):
        looked_at += [(3, TEXT + 1024 + int(teacher.entries[3, 0].clamp(min=0)))]
    slopes = slow_gradient(
        logits.detach(),
        lambda moved: slow_loss(
            moved, targets.tolist(), slots.tolist(), how, teacher, weights.tolist()
        )[0],
        looked_at,
    )
    found = [logits.grad[place, column].item() for place, column in looked_at]
    assert found == pytest.approx(slopes, rel=2e-3, abs=2e-5)
    assert found[8] == found[9] == 0, "an illegal id has no gradient"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [0.0, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_tail_of_all_or_nothing_and_extreme_bf16_logits_stay_finite(
    kind: str, tail: float, dtype: torch.dtype
) -> None:
    logits, targets, slots, _ = random_batch(5, 5)
    extreme = (logits * 300).to(dtype).requires_grad_()
    mass = torch.full((5, 2), (1 - tail) / 2)
    teacher = TeacherTop(torch.tensor([[0, 5]] * 5), mass.log(), torch.full((5,), tail))
    loss = distillation_loss(extreme, targets, slots, LossSettings(kind), COMPACT, teacher)
    loss.mean.backward()
    assert loss.mean.isfinite() and loss.total.dtype == torch.float32
    assert extreme.grad.isfinite().all()


@pytest.mark.parametrize("kind", DIVERGENCES)
def test_a_teacher_that_names_the_whole_book_leaves_no_tail_and_is_its_full_self(kind: str) -> None:
    logits, targets, _, _ = random_batch(6, 2)
    slots, targets = torch.tensor([1, 0]), torch.tensor([TEXT, END])
    asked = random_batch(7, 2)[0].float() / 4  # so that nothing falls below the floor
    entries = torch.arange(1025).repeat(2, 1)
    entries[0, 1024] = -1
    logs = torch.full((2, 1025), -math.inf)
    logs[0, :1024] = asked[0, TEXT : TEXT + 1024].log_softmax(-1)
    logs[1] = asked[1][legal_ids(0)].log_softmax(-1)
    top = TeacherTop(entries, logs, torch.zeros(2))
    how = LossSettings(kind, 1.0)
    logits.requires_grad_()
    by_top = distillation_loss(logits, targets, slots, how, COMPACT, top)
    by_full = distillation_loss(logits, targets, slots, how, COMPACT, asked)
    by_top.total.backward()
    assert logits.grad.isfinite().all()
    assert by_top.total.item() == pytest.approx(by_full.total.item(), rel=1e-3)


@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(list(DIVERGENCES)))
@settings(max_examples=20, deadline=None)
def test_the_cached_loss_never_exceeds_the_full_one(seed: int, kind: str) -> None:
    logits, targets, slots, _ = random_batch(seed, 4)
    full = random_batch(seed + 1, 4)[0]
    how = LossSettings(kind, 1.0)
    entries, logs, tails = [], [], []
    for place, slot in enumerate(slots.tolist()):
        said = full[place][legal_ids(slot)].log_softmax(-1)
        top = said.topk(16)
        entries.append(top.indices)
        logs.append(top.values)
        tails.append(1 - top.values.exp().sum())
    teacher = TeacherTop(torch.stack(entries), torch.stack(logs).float(), torch.stack(tails))
    by_top = distillation_loss(logits, targets, slots, how, COMPACT, teacher)
    by_full = distillation_loss(logits, targets, slots, how, COMPACT, full)
    assert by_top.total <= by_full.total * (1 + 1e-5) + 1e-5
    assert by_top.total >= -1e-4


@pytest.mark.parametrize("slot_aware", [True, False])
@pytest.mark.parametrize("kind", ["sequence", "jensen_shannon"])
def test_the_loss_of_hidden_states_is_the_loss_of_their_logits(kind: str, slot_aware: bool) -> None:
    _, targets, slots, weights = random_batch(8, 10)
    hidden = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
    head = torch.randn(COMPACT.size, 4, generator=torch.Generator().manual_seed(1))
    how = LossSettings(kind, slot_aware=slot_aware)
    rest = (targets, slots, how, COMPACT, random_top(8, slots, 5), weights)
    gradients = []
    for function, given_logits in ((distillation_loss, True), (distillation_loss_of_hidden, False)):
        states, matrix = hidden.clone().requires_grad_(), head.clone().requires_grad_()
        first = (states @ matrix.T,) if given_logits else (states, matrix)
        loss = function(*first, *rest)
        loss.total.backward()
        gradients.append((loss.total.item(), states.grad, matrix.grad))
    (ours, *of_ours), (theirs, *of_theirs) = gradients
    assert ours == pytest.approx(theirs, rel=1e-5)
    for one, other in zip(of_ours, of_theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_micro_batches_and_ranks_add_up_to_the_whole() -> None:
    logits, targets, slots, weights = random_batch(9, 12)
    how = LossSettings("forward_kl", semantic_weight=0.5)
    top = random_top(9, slots, 4)

    def loss(rows: slice) -> Loss:
        places = torch.arange(12)[rows]
        return distillation_loss(
            logits[rows], targets[rows], slots[rows], how, COMPACT, top.at(places), weights[rows]
        )

    parts = sum(loss(rows).sums() for rows in (slice(0, 5), slice(5, 5), slice(5, 12)))
    whole = loss(slice(None))
    assert means(parts) == pytest.approx(means(whole.sums()), rel=1e-5)
    assert whole.mean.item() == pytest.approx(means(parts)["loss"], rel=1e-5)


def test_a_batch_without_a_place_loses_nothing_and_can_go_backward() -> None:
    logits = torch.zeros((0, COMPACT.size), requires_grad=True)
    none = torch.zeros(0, dtype=torch.int64)
    loss = distillation_loss(logits, none, none, LossSettings(), COMPACT)
    loss.mean.backward()
    assert loss.mean.item() == 0 and means(loss.sums()) == {}


def test_a_student_with_another_text_vocabulary_learns_the_same_from_a_cache() -> None:
    logits, targets, slots, _ = random_batch(10, 6)
    top, how = random_top(10, slots, 3), LossSettings("skewed_kl")
    wider = Vocabulary(TEXT + 100, COMPACT.size + 100)
    moved = torch.cat([logits[:, :TEXT], torch.randn(6, 100), logits[:, TEXT:]], -1)
    there = torch.where(targets == END, END, targets + 100)
    one = distillation_loss(logits, targets, slots, how, COMPACT, top)
    other = distillation_loss(moved, there, slots, how, wider, top)
    assert one.total.item() == pytest.approx(other.total.item(), rel=1e-6)


def test_cached_streams_make_one_teacher() -> None:
    short = TopLogits(np.array([[5]], np.int16), np.zeros((1, 1), np.float32), np.zeros(1, "f4"))
    long = TopLogits(
        np.array([[1024, 3], [7, -1]], np.int16),
        np.array([[-1, -2], [-0.5, -np.inf]], np.float32),
        np.array([0.5, 0.4], np.float32),
    )
    assert TeacherTop.of([]).entries.shape == (0, 0)
    top = TeacherTop.of([decompress(compress(short)), decompress(compress(long))])
    assert top.entries.tolist() == [[5, -1], [1024, 3], [7, -1]]
    assert top.at(torch.tensor([2])).tail.item() == pytest.approx(0.4, abs=0.01)


def test_a_divergence_without_a_teacher_is_refused() -> None:
    logits, targets, slots, _ = random_batch(11, 2)
    with pytest.raises(UsageError, match="lauter teach"):
        distillation_loss(logits, targets, slots, LossSettings("forward_kl"), COMPACT)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "hinge"}, "no loss 'hinge'"),
        ({"teacher_weight": 1.5}, "teacher_weight is a share"),
        ({"semantic_temperature": 0.0}, "semantic_temperature is 0"),
        ({"linguistic_weight": 0.0, "semantic_weight": 0.0}, "leave nothing to learn"),
        ({"kind": "skewed_kl", "skew": 1.0}, "compares one side with itself"),
        ({"linguistic_temperature": math.nan}, "linguistic_temperature is nan"),
    ],
)
def test_settings_that_make_no_loss_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        replace(LossSettings(), **wrong)
