import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lauter.student.codec.flow import (
    SPREAD,
    Flow,
    euler,
    flow_loss,
    group_noise,
    prompt_of,
    start_of,
    told_by,
)
from lauter.student.codec.mel import BANDS


@given(first=st.integers(0, 50), groups=st.integers(1, 6), seed=st.integers(-(2**63), 2**63 - 1))
def test_a_groups_noise_is_its_own(first: int, groups: int, seed: int) -> None:
    whole = group_noise(first + groups, seed)

    assert torch.equal(whole[first * 12 :], group_noise(groups, seed, first))


def test_noise_is_standard_normal() -> None:
    noise = group_noise(400, 3)

    assert abs(float(noise.mean())) < 0.01
    assert abs(float(noise.std()) - 1) < 0.01


def told(batch: int, frames: int) -> torch.Tensor:
    return told_by(torch.randn(batch, frames // 2, 256), torch.randn(batch, frames, BANDS))


def test_a_perfect_velocity_has_no_loss_and_ends_at_the_mel() -> None:
    mels, noise = torch.randn(2, 24, BANDS), torch.randn(2, 24, BANDS)

    class Perfect(Flow):
        def forward(self, *_: object, **__: object) -> torch.Tensor:
            return mels - noise

    perfect, mask = Perfect(), torch.ones(2, 24, 1)
    prompt = prompt_of(mels, torch.zeros(2, dtype=torch.long))

    loss = flow_loss(
        perfect, mels, noise, torch.tensor([0.2, 0.9]), told(2, 24),
        torch.zeros(2, dtype=torch.long), mask, torch.ones(2, dtype=torch.bool),
    )  # fmt: skip
    ended = euler(perfect, noise, told(2, 24), prompt, mask, steps=3, guidance=0.0)

    assert float(loss) == 0
    assert torch.allclose(ended, mels, atol=1e-5)


@pytest.mark.parametrize("guidance", [0.0, 0.7])
def test_padding_changes_nothing(guidance: float) -> None:
    torch.manual_seed(1)
    flow = Flow(width=32, depth=2).eval()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    noise, heard = torch.randn(1, 24, BANDS), told(1, 24)
    prompt = prompt_of(torch.zeros(1, 24, BANDS), torch.zeros(1, dtype=torch.long))
    ones = torch.ones(1, 24, 1)

    def longer(given: torch.Tensor, by: int) -> torch.Tensor:
        return torch.nn.functional.pad(given, (0, 0, 0, by))

    with torch.inference_mode():
        alone = euler(flow, noise, heard, prompt, ones, steps=2, guidance=guidance)
        padded = euler(
            flow, longer(noise, 12), longer(heard, 6), longer(prompt, 12), longer(ones, 12),
            steps=2, guidance=guidance,
        )  # fmt: skip

    assert torch.allclose(padded[:, :24], alone, atol=1e-4)


def test_the_flow_starts_round_the_coarse_mel() -> None:
    coarse = torch.randn(3, 400, BANDS, requires_grad=True)

    start = start_of(coarse, torch.randn(3, 400, BANDS))

    assert not start.requires_grad
    assert abs(float((start - coarse).detach().std()) - SPREAD) < 0.01


def test_a_prompt_comes_out_as_it_was_given() -> None:
    torch.manual_seed(3)
    flow = Flow(width=32, depth=1).eval()
    mels, start, mask = torch.randn(1, 24, BANDS), torch.randn(1, 24, BANDS), torch.ones(1, 24, 1)

    with torch.inference_mode():
        found = euler(
            flow, start, told(1, 24), prompt_of(mels, torch.tensor([8])), mask, steps=3, guidance=0
        )

    assert torch.allclose(found[:, :8], mels[:, :8], atol=1e-5)
    assert not torch.allclose(found[:, 8:], mels[:, 8:], atol=1e-2)


def test_the_loss_leaves_out_prompt_and_padding() -> None:
    torch.manual_seed(2)
    flow = Flow(width=32, depth=1)
    mels, noise, heard = torch.randn(1, 24, BANDS), torch.randn(1, 24, BANDS), told(1, 24)
    mask = torch.ones(1, 24, 1)
    mask[:, 20:] = 0
    of_prompt = torch.tensor([6])
    moment, is_told = torch.tensor([0.5]), torch.ones(1, dtype=torch.bool)

    found = flow_loss(flow, mels, noise, moment, heard, of_prompt, mask, is_told)

    noisy = 0.5 * noise + 0.5 * mels
    velocity = flow(noisy, moment, heard, prompt_of(mels, of_prompt), mask, is_told)
    slow = (velocity - (mels - noise)).square()[:, 6:20].mean()
    assert torch.allclose(found, slow)
