import torch

from lauter.student.codec.griffin_lim import griffin_lim
from lauter.student.codec.mel import BANDS, HOP, WINDOW, LogMel, normalised
from lauter.student.codec.vocoder import Vocoder, overlap_add


def test_overlap_add_undoes_the_transform() -> None:
    samples = torch.randn(2, 24 * HOP)
    window = torch.hann_window(WINDOW)
    side = (WINDOW - HOP) // 2
    padded = torch.nn.functional.pad(samples, (side, side))
    spectrum = torch.stft(padded, WINDOW, HOP, window=window, center=False, return_complex=True)

    found = overlap_add(spectrum, window, torch.ones(2, 24, 1))

    assert found.shape == samples.shape
    assert torch.allclose(found, samples, atol=1e-4)


def test_a_padded_row_sounds_as_it_does_alone() -> None:
    torch.manual_seed(0)
    vocoder = Vocoder(width=32, depth=2).eval()
    short, long = torch.randn(1, 20, BANDS), torch.randn(1, 32, BANDS)
    together = torch.zeros(2, 32, BANDS)
    together[0, :20], together[1] = short[0], long[0]
    mask = torch.ones(2, 32, 1)
    mask[0, 20:] = 0

    both = vocoder(together, mask)

    alone = vocoder(short, torch.ones(1, 20, 1))[0]
    assert torch.allclose(both[0, : 20 * HOP], alone, atol=1e-4)
    assert torch.allclose(both[1], vocoder(long, torch.ones(1, 32, 1))[0], atol=1e-4)


def test_griffin_lim_comes_nearer_to_the_mel_with_each_iteration() -> None:
    time = torch.arange(48 * HOP) / 24_000
    samples = torch.sin(2 * torch.pi * 220 * time) + 0.5 * torch.sin(2 * torch.pi * 660 * time)
    mels = LogMel()(samples[None] / 2)

    distances = [
        float((LogMel()(griffin_lim(normalised(mels), iterations=count)) - mels).abs().mean())
        for count in (1, 8, 64)
    ]

    assert distances[0] > distances[1] > distances[2]
