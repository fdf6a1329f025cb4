import torch
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.codes import SEMANTIC_ENTRIES
from lauter.student.codec.semantic import entries_of, points_of, quantise

PLACES = st.lists(st.floats(-20, 20, width=32), min_size=4, max_size=4)


def test_every_entry_is_a_grid_point_and_every_grid_point_an_entry() -> None:
    entries = torch.arange(SEMANTIC_ENTRIES)

    assert torch.equal(entries_of(points_of(entries)), entries)
    assert len(points_of(entries).unique(dim=0)) == SEMANTIC_ENTRIES


@given(PLACES)
def test_a_quantised_place_is_the_point_of_its_entry(place: list[float]) -> None:
    point = quantise(torch.tensor(place))

    assert 0 <= int(entries_of(point)) < SEMANTIC_ENTRIES
    assert torch.allclose(points_of(entries_of(point)), point, atol=1e-5)


def test_all_levels_can_be_reached() -> None:
    places = torch.linspace(-4, 4, 1000)[:, None].expand(-1, 4)

    assert len(quantise(places)[:, 0].mul(4).round().unique()) == 8


def test_gradients_pass_through_quantisation() -> None:
    place = torch.tensor([0.3, -0.2, 0.1, 1.0], requires_grad=True)

    quantise(place).sum().backward()  # type: ignore[no-untyped-call]

    assert place.grad is not None
    assert (place.grad > 0).all()
