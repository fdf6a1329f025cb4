"""Timbre and condition of a padded row are those that it has alone."""

import torch

from lauter.student.codec.blocks import mask_of
from lauter.student.codec.condition import TIMBRE, Condition, TimbreEncoder
from lauter.student.codec.mel import BANDS
from lauter.student.codec.semantic import SemanticEncoder


def test_a_voice_is_the_same_beside_a_longer_recording() -> None:
    torch.manual_seed(0)
    encoder = TimbreEncoder(width=32, depth=2).eval()
    mels = torch.randn(2, 48, BANDS)  # what stands after the end must not be heard

    both = encoder(mels, mask_of(torch.tensor([5, 12]), 12))

    alone = encoder(mels[:1, :20], torch.ones(1, 5, 1))
    assert torch.allclose(both[0], alone[0], atol=1e-5)
    assert torch.allclose(both.norm(dim=-1), torch.ones(2))
    assert not torch.allclose(both[0], both[1], atol=1e-3)


def test_places_are_the_same_beside_a_longer_recording() -> None:
    torch.manual_seed(0)
    encoder = SemanticEncoder(width=32, depth=2).eval()
    mels = torch.randn(2, 48, BANDS)

    both = encoder(mels, mask_of(torch.tensor([6, 12]), 12))

    alone = encoder(mels[:1, :24], torch.ones(1, 6, 1))
    assert torch.allclose(both[0, :6], alone[0], atol=1e-5)


def test_a_condition_is_the_same_beside_a_longer_stream() -> None:
    torch.manual_seed(0)
    condition = Condition(width=32, depth=2).eval()
    for block in condition.blocks:
        torch.nn.init.normal_(block.modulation.weight, std=0.1)  # it begins at zero
    linguistic, points = torch.randint(1024, (2, 6)), torch.rand(2, 9, 4)
    timbre = torch.randn(2, TIMBRE)

    features, coarse = condition(linguistic, points, timbre, torch.tensor([2, 3]))

    alone, alone_coarse = condition(
        linguistic[:1, :4], points[:1, :6], timbre[:1], torch.tensor([2])
    )
    assert torch.allclose(features[0, :12], alone[0], atol=1e-5)
    assert torch.allclose(coarse[0, :24], alone_coarse[0], atol=1e-5)
    assert coarse.shape == (2, 36, BANDS)


def test_a_book_that_is_left_out_is_not_heard() -> None:
    torch.manual_seed(0)
    condition = Condition(width=32, depth=1).eval()
    timbre, groups = torch.randn(1, TIMBRE), torch.tensor([2])
    one, other = (torch.randint(1024, (1, 4)), torch.rand(1, 6, 4)), (
        torch.randint(1024, (1, 4)), torch.rand(1, 6, 4),
    )  # fmt: skip
    no, yes = torch.tensor([False]), torch.tensor([True])

    def coarse(linguistic: torch.Tensor, points: torch.Tensor, *use: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = condition(linguistic, points, timbre, groups, *use)[1]
        return found

    assert torch.equal(coarse(*one, no, yes), coarse(other[0], one[1], no, yes))
    assert torch.equal(coarse(*one, yes, no), coarse(one[0], other[1], yes, no))
    assert not torch.equal(coarse(*one, yes, yes), coarse(other[0], one[1], yes, yes))
