"""Each sample once an epoch, over any ranks and batches; whoever goes on reads exactly the rest."""

from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.reading_order import Place, ReadingOrder, spans

COUNTS = st.lists(st.integers(0, 30), max_size=8)
SIZES = st.integers(1, 9)
SEEDS = st.integers(0, 2**40)


def rounds(position: int, total: int, batch_size: int, world: int) -> list[list[tuple[int, int]]]:
    """What each rank reads, round by round, after checking that they are in step."""
    per_rank = [list(spans(position, total, batch_size, rank, world)) for rank in range(world)]
    assert len({len(batches) for batches in per_rank}) == 1
    for together in zip(*per_rank, strict=True):
        assert len({span.after for span in together}) == 1
    return [
        [(span.start, span.stop) for span in together] for together in zip(*per_rank, strict=True)
    ]


@given(COUNTS, SEEDS, st.integers(0, 5), st.integers(1, 50), st.booleans())
def test_an_order_has_each_place_once(
    counts: list[int], seed: int, epoch: int, window: int, shuffled: bool
) -> None:
    order = ReadingOrder(counts, seed, epoch, window, shuffled=shuffled)
    every = [Place(shard, row) for shard, count in enumerate(counts) for row in range(count)]
    places = order.places(0, len(order))
    assert sorted(places) == every
    assert shuffled or places == every


@given(COUNTS, SEEDS, st.integers(1, 50), st.data())
def test_a_stretch_of_the_order_is_the_same_alone(
    counts: list[int], seed: int, window: int, data: st.DataObject
) -> None:
    order = ReadingOrder(counts, seed, 0, window)
    start = data.draw(st.integers(0, len(order)))
    stop = data.draw(st.integers(start, len(order)))
    fresh = ReadingOrder(counts, seed, 0, window)
    assert fresh.places(start, stop) == order.places(0, len(order))[start:stop]


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        tuple(ReadingOrder([20, 20], seed, epoch, 8).places(0, 40))
        for seed in range(4)
        for epoch in range(4)
    }
    assert len(orders) == 16


def test_samples_move_no_further_than_their_window() -> None:
    order = ReadingOrder([100] * 4, 1, 0, 10)
    along = order.places(0, 400)
    for start in range(0, 400, 10):
        rows = sorted(along[start : start + 10])
        assert rows == [Place(rows[0].shard, rows[0].row + step) for step in range(10)]


def test_an_order_is_the_same_for_ever() -> None:
    order = ReadingOrder([3, 2, 4], 7, 1, 4)
    assert [tuple(place) for place in order.places(0, 9)] == [
        (2, 0), (2, 3), (2, 2), (2, 1), (1, 1), (0, 1), (0, 0), (1, 0), (0, 2),
    ]  # fmt: skip


@given(st.integers(0, 400), st.integers(0, 400), SIZES, SIZES)
def test_ranks_share_all_that_is_left_without_doubles(
    position: int, total: int, batch_size: int, world: int
) -> None:
    read = [
        number
        for together in rounds(position, total, batch_size, world)
        for start, stop in together
        for number in range(start, stop)
    ]
    assert read == list(range(position, total))


@given(st.integers(0, 400), SIZES, SIZES)
def test_batches_are_as_large_as_asked_and_even(total: int, batch_size: int, world: int) -> None:
    sizes = [
        [stop - start for start, stop in together]
        for together in rounds(0, total, batch_size, world)
    ]
    for together in sizes:
        assert max(together) <= batch_size
        assert max(together) - min(together) <= 1
        assert together[0] > 0
        assert min(together) > 0 or batch_size == 1 or total < world
    # At most one round more than there would be if every batch were full.
    assert len(sizes) == -(-total // (batch_size * world))


@given(st.integers(1, 300), SIZES, SIZES, SIZES, SIZES, st.data())
def test_stopped_anywhere_others_read_exactly_the_rest(
    total: int, batch_size: int, world: int, then_batch: int, then_world: int, data: st.DataObject
) -> None:
    batches = list(spans(0, total, batch_size, 0, world))
    stopped = data.draw(st.sampled_from(batches)).after
    before = [
        number
        for rank in range(world)
        for span in spans(0, total, batch_size, rank, world)
        if span.after <= stopped
        for number in range(span.start, span.stop)
    ]
    rest = [
        number
        for rank in range(then_world)
        for span in spans(stopped, total, then_batch, rank, then_world)
        for number in range(span.start, span.stop)
    ]
    assert sorted(before + rest) == list(range(total))
