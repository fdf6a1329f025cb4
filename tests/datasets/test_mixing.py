"""Random orders are permutations, and the same for ever."""

from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.mixing import mixed, permutation


@given(st.integers(0, 300), st.integers(0, 2**64 - 1))
def test_a_permutation_has_each_number_once(count: int, key: int) -> None:
    assert sorted(permutation(count, key).tolist()) == list(range(count))


def test_orders_never_change_between_versions() -> None:
    assert mixed(0) == 0xE220A8397B1DCDAF  # splitmix64's first of seed 0, as published
    assert mixed(7, 3, 1) == 13172120035769687727
    assert permutation(10, mixed(7, 3, 1)).tolist() == [4, 6, 5, 0, 9, 7, 1, 8, 3, 2]


def test_what_is_mixed_in_matters_and_so_does_its_order() -> None:
    drawn = {
        mixed(seed, *places) for seed in range(20) for places in ((), (0,), (1,), (0, 1), (1, 0))
    }
    assert len(drawn) >= 20 * 4


def test_every_number_comes_first_about_equally_often() -> None:
    first = [int(permutation(5, mixed(seed, 1))[0]) for seed in range(2000)]
    assert all(340 <= first.count(number) <= 460 for number in range(5))
