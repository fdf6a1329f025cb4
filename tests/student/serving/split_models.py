"""A model split over processes says what it says whole."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from following_ranks import DTYPE, PREFILL_IDS, ROWS, led_ranks
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.student.checkpoint import load_model, save_model, weight_shapes
from lauter.student.generation import Sampling
from lauter.student.model import build
from lauter.student.presets import ModelConfig, preset
from lauter.student.serving.batching import Batching, Said, Task
from lauter.student.serving.lockstep import Lockstep
from lauter.student.serving.tensor_parallel import check_ranks, part_of

SHAPE = ModelConfig(
    vocabulary_size=5441, text_size=272, hidden_size=48, layers=2, heads=12, head_size=4,
    groups=4, ffn_size=96, context=400,
)  # fmt: skip
"""Its vocabulary can be cut evenly neither by two nor by four."""
TWO = replace(SHAPE, heads=6, head_size=8, groups=2)


@pytest.fixture(scope="module", params=[(TWO, 2), (SHAPE, 4)], ids=["2 ranks", "4 ranks"])
def ranks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Lockstep]]:
    shape, count = request.param
    folder = tmp_path_factory.mktemp("split") / "model"
    save_model(build(shape, seed=3), folder, {})
    with led_ranks(folder, count) as (led, _):
        yield folder, led


@st.composite
def doings(draw: st.DrawFn) -> list[list[Task | str]]:
    """What is added (tasks) and cancelled (keys) before each of some steps."""
    steps: list[list[Task | str]] = []
    added = 0
    for _ in range(draw(st.integers(1, 5))):
        doing: list[Task | str] = []
        for _ in range(draw(st.integers(0, 3))):
            doing.append(draw(tasks(f"task {added}")))
            added += 1
        if added and draw(st.booleans()):
            doing.append(f"task {draw(st.integers(0, added - 1))}")
        steps.append(doing)
    return steps


@st.composite
def tasks(draw: st.DrawFn, key: str) -> Task:
    prompt = np.random.default_rng(draw(st.integers(0, 99))).integers(16, 272, draw(LENGTHS))
    sampling = Sampling(
        temperature=draw(st.sampled_from([0.0, 0.8])), constrained=draw(st.booleans())
    )
    return Task(key, prompt, sampling, draw(st.integers(0, 99)), draw(LENGTHS), top=4)


LENGTHS = st.integers(1, 16)


def run(batching: Batching, steps: list[list[Task | str]]) -> dict[str, list[Said]]:
    said: dict[str, list[Said]] = defaultdict(list)
    coming = list(steps)
    while coming or batching.live or batching.waiting:
        for one in coming.pop(0) if coming else ():
            if isinstance(one, Task):
                batching.add(one)
            else:
                batching.cancel(one)
        for each in batching.step():
            said[each.key].append(each)
    return said


@pytest.mark.slow
@settings(max_examples=6, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(steps=doings())
def test_a_split_model_says_what_it_says_whole_while_rows_join_leave_and_are_cancelled(
    ranks: tuple[Path, Lockstep], steps: list[list[Task | str]]
) -> None:
    folder, led = ranks
    model, _ = load_model(folder, dtype=DTYPE)
    whole = run(Batching(model, rows=ROWS, prefill_ids=PREFILL_IDS), steps)
    split = run(led, steps)
    for key, expected in whole.items():
        assert [(one.id, one.finish) for one in split[key]] == [
            (one.id, one.finish) for one in expected
        ]
        for ours, theirs in zip(split[key], expected, strict=True):
            assert ours.top == pytest.approx(theirs.top, abs=1e-4)
    assert split.keys() == whole.keys()
    assert (led.live, led.waiting) == (0, 0)


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_the_ranks_parts_of_a_weight_are_all_of_it_once(ranks: int) -> None:
    for name, shape in weight_shapes(SHAPE).items():
        held = torch.zeros(shape)
        for rank in range(ranks):
            held[part_of(name, shape, rank, ranks)] += 1
        on_every_rank = "norm" in name or "embed" in name
        assert bool((held == (ranks if on_every_rank else 1)).all()), name


@pytest.mark.slow
def test_a_rank_holds_its_part_of_the_weights_and_of_the_cache(
    ranks: tuple[Path, Lockstep],
) -> None:
    folder, led = ranks
    whole, _ = load_model(folder, dtype=DTYPE)
    count = whole.config.groups
    own = sum(weight.numel() for weight in led._model.parameters())
    model = whole.model
    everywhere = [model.embed_tokens.weight, model.norm.weight] + [
        weight for weight in model.layers.parameters() if weight.ndim == 1
    ]
    shared = sum(weight.numel() for weight in everywhere)
    cut = sum(weight.numel() for weight in whole.parameters()) - shared
    filled = whole.config.hidden_size  # one row of the head, at most
    assert shared + cut / count <= own <= shared + cut / count + filled
    keys = led._model.empty_cache(1, 8).keys
    assert keys.numel() * count == whole.empty_cache(1, 8).keys.numel()


@pytest.mark.parametrize(
    ("config", "count", "fitting"),
    [
        (SHAPE, 3, "set tensor_parallel to 1 or 2 or 4"),
        (SHAPE, 8, "set tensor_parallel to 1 or 2 or 4"),
        (preset("3b"), 8, "set tensor_parallel to 1 or 2 or 4"),
        (preset("tiny"), 0, "set tensor_parallel to 1 or 2"),
    ],
)
def test_a_number_of_ranks_that_does_not_fit_is_refused_with_those_that_do(
    config: ModelConfig, count: int, fitting: str
) -> None:
    with pytest.raises(UsageError, match=f"cannot be split over {count} ranks evenly; {fitting}$"):
        check_ranks(config, count)
