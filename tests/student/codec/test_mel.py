import math

import numpy as np
import pytest
import torch

from lauter.student.codec.mel import BANDS, FLOOR, HOP, SAMPLE_RATE, LogMel, normalised, restored


@pytest.mark.parametrize("hops", [5, 12, 100])
def test_there_is_a_frame_for_each_hop(hops: int) -> None:
    assert LogMel()(torch.randn(2, hops * HOP)).shape == (2, hops, BANDS)


def test_silence_is_the_floor() -> None:
    assert torch.allclose(LogMel()(torch.zeros(1, 2400)), torch.tensor(math.log(FLOOR)))


@pytest.mark.parametrize("frequency", [200.0, 1000.0, 7000.0])
def test_a_tone_is_loudest_in_the_band_of_its_frequency(frequency: float) -> None:
    time = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    mel = LogMel()(torch.sin(2 * math.pi * frequency * time)[None])[0, 50]

    edges = np.linspace(0, 2595 * math.log10(1 + SAMPLE_RATE / 2 / 700), BANDS + 2)
    middles = 700 * (10 ** (edges[1:-1] / 2595) - 1)
    assert abs(int(mel.argmax()) - int(np.argmin(abs(middles - frequency)))) <= 1


def test_normalising_is_undone() -> None:
    mels = torch.randn(3, 4)

    assert torch.allclose(restored(normalised(mels)), mels, atol=1e-5)
