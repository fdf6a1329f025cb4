"""Packs hold every sample once, fit, waste little, and hang on data and seed alone."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lauter.student.packing import Item, epoch_order, packed

LENGTHS = st.lists(st.integers(1, 64), min_size=1, max_size=60)


@given(lengths=LENGTHS, look_ahead=st.integers(1, 20))
def test_every_sample_is_in_one_pack_and_every_pack_fits(
    lengths: list[int], look_ahead: int
) -> None:
    items = [Item(number, 0) for number in range(len(lengths))]
    packs = packed(items, np.asarray(lengths, np.int32), 64, look_ahead)
    assert sorted(item.sample for pack in packs for item in pack) == list(range(len(lengths)))
    assert all(0 < sum(lengths[item.sample] for item in pack) <= 64 for pack in packs)


@given(lengths=LENGTHS, look_ahead=st.integers(1, 20))
def test_no_sample_is_overtaken_by_more_than_the_look_ahead(
    lengths: list[int], look_ahead: int
) -> None:
    items = [Item(number, 0) for number in range(len(lengths))]
    packs = packed(items, np.asarray(lengths, np.int32), 64, look_ahead)
    left = set(range(len(lengths)))
    for pack in packs:
        read = len(lengths) - len(left) + look_ahead
        assert pack[0].sample == min(left)
        assert max(item.sample for item in pack) < read
        left -= {item.sample for item in pack}


def test_a_look_ahead_leaves_less_padding_than_the_order_of_arrival() -> None:
    lengths = np.random.default_rng(0).integers(90, 230, 2000).astype(np.int32)
    items = [Item(number, 0) for number in range(len(lengths))]

    def padding(look_ahead: int) -> float:
        packs = packed(items, lengths, 1024, look_ahead)
        return 1 - float(lengths.sum()) / (len(packs) * 1024)

    assert padding(256) < 0.04 < 0.08 < padding(1)


@given(
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    seed=st.integers(0, 3),
    window=st.integers(1, 12),
    data=st.data(),
)
def test_an_epoch_holds_each_sample_as_often_as_asked(
    counts: list[int], seed: int, window: int, data: st.DataObject
) -> None:
    size = sum(counts)
    wanted = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    order = epoch_order(counts, np.asarray(wanted), seed, 0, window)
    assert Counter(item.sample for item in order) == Counter(
        {number: often for number, often in enumerate(wanted) if often}
    )
    assert len(set(order)) == len(order)
    assert order == epoch_order(counts, np.asarray(wanted), seed, 0, window)


def test_epochs_differ() -> None:
    often = np.ones(50, np.int64)
    assert epoch_order([25, 25], often, 0, 0, 100) != epoch_order([25, 25], often, 0, 1, 100)
