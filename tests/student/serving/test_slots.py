"""Rows of any length may join at any time, and find their keys where they put them."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.student.model import KeyValueCache, build
from lauter.student.presets import ModelConfig
from lauter.student.serving.slots import Slots

SHAPE = ModelConfig(
    vocabulary_size=5440, text_size=272, hidden_size=8, layers=1, heads=2, head_size=4,
    groups=1, ffn_size=8, context=4000,
)  # fmt: skip
MODEL = build(SHAPE, seed=0)
MOST = 4


def marked(lengths: list[int], first: int) -> KeyValueCache:
    """Return prompts as a cache in which each row's keys are a number of its own."""
    cache = MODEL.empty_cache(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        cache.keys[:, row, :, max(lengths) - length :] = first + row
        cache.segments[row, max(lengths) - length :] = 1
    cache.length = max(lengths)
    return cache


steps = st.one_of(
    st.tuples(st.just("join"), st.lists(st.integers(1, 900), min_size=1, max_size=3)),
    st.tuples(st.just("leave"), st.integers(0, 3)),
    st.tuples(st.just("next"), st.integers(1, 400)),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=14))
def test_each_row_keeps_its_own_whatever_the_others_do(
    done: list[tuple[str, int | list[int]]],
) -> None:
    slots = Slots(MODEL, MOST)
    rows: list[tuple[float, int]] = []
    number = 1
    for what, argument in done:
        if what == "join" and isinstance(argument, list):
            lengths = argument[: MOST - len(rows)]
            if lengths:
                slots.join(marked(lengths, number), lengths)
                rows += [(number + row, length) for row, length in enumerate(lengths)]
                number += len(lengths)
        elif what == "leave" and isinstance(argument, int) and argument < len(rows):
            slots.leave(argument)
            rows[argument] = rows[-1]
            rows.pop()
        elif what == "next" and rows and isinstance(argument, int):
            for _ in range(argument):
                cache = slots.next()
                fresh = torch.tensor([mark for mark, _ in rows]).view(-1, 1, 1, 1)
                cache.extend(0, fresh.expand(-1, 1, 1, 4), fresh.expand(-1, 1, 1, 4))
                cache.segments[:, cache.length] = 1
                rows = [(mark, length + 1) for mark, length in rows]
        assert len(slots) == len(rows)
        if not rows:
            continue
        cache = slots.next()
        for row, (mark, length) in enumerate(rows):
            live = cache.segments[row, : cache.length].bool()
            assert int(live.sum()) == length
            assert (cache.keys[0, row, 0, : cache.length, 0][live] == mark).all()
        cache.keys[0, :, :, cache.length] = torch.tensor([m for m, _ in rows]).view(-1, 1, 1)
        cache.segments[:, cache.length] = 1
        rows = [(mark, length + 1) for mark, length in rows]
