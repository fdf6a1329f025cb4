"""The spectrogram of the semantic encoder is Whisper's."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from lauter.student.codec.whisper_features import log_mel


@pytest.mark.parametrize("samples", [480, 1920, 16_001])
def test_it_is_that_of_another_implementation(samples: int) -> None:
    sound = np.random.default_rng(samples).standard_normal(samples).astype(np.float32) / 8
    sound[: samples // 2] *= 1e-4
    other = FeatureExtractor(feature_size=128)(sound, padding=0)
    ours = log_mel(sound)
    assert ours.shape == (128, samples // 160)
    assert np.abs(ours - other[:, : ours.shape[1]]).max() < 1e-4


def test_silence_is_flat() -> None:
    assert np.unique(log_mel(np.zeros(1600, np.float32))).tolist() == [-1.5]
