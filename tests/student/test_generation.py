"""Sampling: each row for itself, only what a codec can decode, and the end is told."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.codes import GROUP, find_fault
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, END, Ids, speech_prompt
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.generation import Generated, Sampling, draw, generate
from lauter.student.model import SpeechModel, build
from lauter.student.presets import ModelConfig

SMALLEST = ModelConfig(
    vocabulary_size=5440, text_size=272, hidden_size=48, layers=2, heads=6, head_size=8,
    groups=2, ffn_size=64, context=256,
)  # fmt: skip
TEXTS = ["one", "twenty-two past three", "a", "the ninth of May", "forty"]


def leaning(model: SpeechModel, ids: list[int], by: float) -> SpeechModel:
    """Let a model find some ids more (or less) probable than it does."""
    lean = torch.zeros(COMPACT.size)
    lean[ids] = by
    model.lm_head.register_forward_hook(lambda head, given, logits: logits + lean)
    return model


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    """One that has learnt nothing, and ends within some groups."""
    return leaning(build(SMALLEST, seed=3).eval(), [END], 5.5)


@pytest.fixture(scope="module")
def endless() -> SpeechModel:
    return leaning(build(SMALLEST, seed=3).eval(), [END], -100.0)


def prompt(text: str) -> Ids:
    return speech_prompt(ByteTokenizer(), COMPACT, text, system="Ada")


def say(
    model: SpeechModel, texts: list[str], seeds: list[int], sampling: Sampling
) -> list[Generated]:
    return generate(model, [prompt(text) for text in texts], COMPACT, sampling, seeds=seeds)


def same(first: Generated, second: Generated) -> bool:
    return (
        np.array_equal(first.codes, second.codes)
        and (first.ended, first.fault, first.tokens)
        == (second.ended, second.fault, second.tokens)
    )  # fmt: skip


@given(st.permutations(range(5)), st.integers(1, 5))
@settings(max_examples=12, deadline=None)
def test_a_row_does_not_depend_on_its_neighbours(
    model: SpeechModel, order: list[int], count: int
) -> None:
    sampling = Sampling(temperature=0.7, max_codes=40)
    chosen = order[:count]
    together = say(model, [TEXTS[n] for n in chosen], [n + 100 for n in chosen], sampling)
    for number, spoken in zip(chosen, together, strict=True):
        (alone,) = say(model, [TEXTS[number]], [number + 100], sampling)
        assert same(spoken, alone)


def test_rows_end_at_different_times_and_some_do_not(model: SpeechModel) -> None:
    spoken = say(model, TEXTS * 4, list(range(20)), Sampling(temperature=0.7, max_codes=20))
    assert len({len(one.codes) for one in spoken if one.ended}) > 2
    assert {one.ended for one in spoken} == {True, False}
    for one in spoken:
        assert one.tokens == len(one.codes) + one.ended
        assert one.ended or len(one.codes) == 20


@pytest.mark.parametrize("temperature", [0.0, 0.7, 3.0])
def test_constrained_speech_is_always_valid(model: SpeechModel, temperature: float) -> None:
    sampling = Sampling(temperature=temperature, top_p=1.0, max_codes=30)
    for spoken in say(model, TEXTS, [1, 2, 3, 4, 5], sampling):
        assert spoken.fault is None and find_fault(spoken.codes) is None
        assert len(spoken.codes) % GROUP == 0


def test_unconstrained_speech_is_told_its_fault(model: SpeechModel) -> None:
    sampling = Sampling(constrained=False, temperature=2.0, top_p=1.0, max_codes=30)
    (spoken,) = say(model, ["one"], [5], sampling)
    fault = find_fault(spoken.codes)
    assert fault is not None
    assert spoken.fault == f"at position {fault.position} the stream {fault.what}"


def test_the_same_seed_says_the_same_and_another_one_something_else(endless: SpeechModel) -> None:
    sampling = Sampling(temperature=0.7, max_codes=40)
    first, again, other = say(endless, ["one"] * 3, [7, 7, 8], sampling)
    assert same(first, again)
    assert not np.array_equal(first.codes, other.codes)


def test_greedy_speech_is_what_the_whole_model_finds_most_probable(model: SpeechModel) -> None:
    sampling = Sampling(temperature=0, repetition_window=0, max_codes=20)
    (spoken,) = say(model, ["nine"], [0], sampling)
    ids = torch.from_numpy(np.concatenate([prompt("nine"), COMPACT.ids_of(spoken.codes)]))[None]
    logits = model(ids)[0, len(prompt("nine")) - 1 : -1]
    for step, (scores, code) in enumerate(zip(logits, spoken.codes, strict=True)):
        book = slice(272, 272 + 1024) if step % GROUP < 2 else slice(272 + 1024, 272 + 5120)
        assert scores[book].argmax() + book.start == code + 272


def test_no_id_follows_itself_that_fills_too_much_of_the_window(model: SpeechModel) -> None:
    stuck = leaning(build(SMALLEST, seed=3).eval(), [300, 2000], 30.0)
    free = Sampling(temperature=0, repetition_window=0, max_codes=40)
    held = Sampling(temperature=0, max_codes=40)
    (loose,), (tight,) = (say(stuck, ["one"], [0], sampling) for sampling in (free, held))
    repeated = Counter(loose.codes[1:][loose.codes[1:] == loose.codes[:-1]].tolist())
    assert sum(repeated.values()) > 10
    for place in range(10, len(tight.codes)):
        window, last = tight.codes[place - 10 : place], tight.codes[place - 1]
        assert (window == last).sum() < 2 or tight.codes[place] != last


def test_drawing_follows_the_probabilities_and_stays_within_top_p() -> None:
    scores = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()[[2, 0, 3, 1]]
    draws = (torch.arange(1000).double() + 0.5) / 1000
    drawn = draw(scores.expand(1000, 4), Sampling(temperature=1.0, top_p=0.8), draws)
    assert torch.bincount(drawn, minlength=4).tolist() == [0, 625, 0, 375]
    hotter = draw(scores.expand(1000, 4), Sampling(temperature=2.0, top_p=1.0), draws)
    expected = (scores / 2).softmax(0)
    torch.testing.assert_close(
        torch.bincount(hotter, minlength=4) / 1000, expected, atol=2e-3, rtol=0
    )


def test_drawing_of_the_likeliest_is_drawing_of_all() -> None:
    source = torch.Generator().manual_seed(1)
    # Some rows are peaked, some flat: for these the likeliest do not suffice.
    scores = torch.randn(200, 1000, generator=source) * torch.linspace(0.5, 6, 200)[:, None]
    draws = torch.rand(200, generator=source, dtype=torch.double)
    drawn = draw(scores, Sampling(temperature=1.0, top_p=0.9), draws)
    for row, one, chosen in zip(scores.softmax(1), draws.tolist(), drawn.tolist(), strict=True):
        order = sorted(range(1000), key=lambda number: -float(row[number]))
        kept, mass = [], 0.0
        while mass < 0.9:
            kept.append(order[len(kept)])
            mass += float(row[kept[-1]])
        below = sum(float(row[number]) for number in kept[: kept.index(chosen)])
        assert below - 1e-4 <= one * mass <= below + float(row[chosen]) + 1e-4


def test_a_draw_of_almost_one_finds_an_id_that_is_left() -> None:
    scores = torch.tensor([[0.0, -1.0, -torch.inf]])
    top = Sampling(temperature=1.0, top_p=1.0)
    assert draw(scores, top, torch.tensor([1.0 - 2**-53], dtype=torch.double)).item() == 1
    assert draw(scores, top, torch.tensor([0.0], dtype=torch.double)).item() == 0


def test_limits_cut_each_row_for_itself_at_whole_groups(endless: SpeechModel) -> None:
    prompts = [prompt("one")] * 3
    spoken = generate(
        endless, prompts, COMPACT, Sampling(max_codes=20), seeds=[1, 2, 3], limits=[7, 13, 1000]
    )
    assert [len(one.codes) for one in spoken] == [5, 10, 20]
    assert not any(one.ended for one in spoken)


def test_speech_stays_within_the_context_beyond_the_first_cache() -> None:
    fields = {name: getattr(SMALLEST, name) for name in SMALLEST.__slots__}
    long = build(ModelConfig(**fields | {"context": 400}), seed=3).eval()
    leaning(long, [END], -100.0)
    spoken = say(long, ["one", "two and three"], [1, 2], Sampling(max_codes=1000))
    for text, one in zip(["one", "two and three"], spoken, strict=True):
        assert len(one.codes) == (400 - len(prompt(text)) - 1) // GROUP * GROUP > 300


def test_a_text_longer_than_the_context_is_told_in_figures(model: SpeechModel) -> None:
    with pytest.raises(UsageError, match=r"are \d{3} ids, and the model's context of 256 has no"):
        say(model, ["one", "many words " * 40], [1, 2], Sampling())


def test_dropout_is_off_while_a_model_in_training_speaks() -> None:
    fields = {name: getattr(SMALLEST, name) for name in SMALLEST.__slots__}
    learner = build(ModelConfig(**fields | {"dropout": 0.5}), seed=3).train()
    sampling = Sampling(max_codes=20)
    first, second = (say(learner, ["one"], [4], sampling)[0] for _ in range(2))
    assert same(first, second)
    assert learner.training


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1.0}, {"top_p": 0.0}, {"repetition_threshold": 2.0}, {"max_codes": 3}],
)
def test_sampling_that_makes_no_sense_is_told(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="; set "):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_nothing_asked_is_nothing_said(model: SpeechModel) -> None:
    assert say(model, [], [], Sampling()) == []
