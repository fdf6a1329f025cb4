"""Mel spectrograms are those of librosa, whose numbers for a sweep and a tone stand here."""

import numpy as np
import pytest

from lauter.filters.mel import mel_power


def test_the_powers_are_those_that_librosa_gave() -> None:
    times = np.arange(4000) / 16_000
    sweep = 0.5 * np.sin(2 * np.pi * (200 + 2000 * times) * times)
    audio = (sweep + 0.1 * np.sin(2 * np.pi * 3100 * times)).astype(np.float32)
    powers = mel_power(audio, 16_000, window=400, hop=160, bands=40)
    assert powers.shape == (26, 40)
    # librosa 0.11.0: melspectrogram(n_fft=400, hop_length=160, n_mels=40, pad_mode="constant")
    assert powers.sum() == pytest.approx(1258.22937, rel=1e-4)
    for (frame, band), power in {
        (0, 2): 12.0509424,
        (6, 5): 39.0546761,
        (6, 4): 6.3706532,
        (12, 8): 32.1934090,
        (18, 11): 24.6473885,
        (18, 12): 24.6374588,
        (25, 15): 11.4473486,
    }.items():
        assert powers[frame, band] == pytest.approx(power, rel=1e-3), (frame, band)
