"""Level: peaks and clipping that are known beforehand, on tones and on speech."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_clips import sample_of

from lauter.datasets.audio import Clip
from lauter.filters.level import SILENCE_DB, LevelScorer, active_level_db, clipped_ratio

TIMES = np.arange(16_000) / 16_000
TONE = (0.5 * np.sin(2 * np.pi * 220.0 * TIMES)).astype(np.float32)


def figures(samples: np.ndarray) -> dict[str, float]:
    (found,) = LevelScorer().score([sample_of(Clip.of(samples, 16_000))])
    assert not isinstance(found, Exception)
    return dict(found)


def test_a_tone_of_half_the_scale_peaks_at_6_db_and_is_9_db_loud() -> None:
    assert figures(TONE) == {
        "clipped_ratio": 0.0,
        "peak_db": pytest.approx(-6.02, abs=0.01),
        "energy_db": pytest.approx(-9.03, abs=0.05),
    }


def test_silence_has_the_lowest_level_and_no_clipping() -> None:
    silent = figures(np.zeros(8_000, np.float32))
    assert silent == {"clipped_ratio": 0.0, "peak_db": SILENCE_DB, "energy_db": SILENCE_DB}


def test_a_clip_shorter_than_a_frame_has_a_level() -> None:
    assert figures(np.full(10, 0.5, np.float32))["peak_db"] == pytest.approx(-6.02, abs=0.01)


@given(st.floats(0.3, 0.95))
def test_the_clipped_share_of_a_tone_is_what_lies_above_the_cut(cut: float) -> None:
    clipped = np.clip(TONE, -0.5 * cut, 0.5 * cut)
    above = 1.0 - 2.0 * np.arcsin(cut) / np.pi
    assert clipped_ratio(clipped) == pytest.approx(above, abs=0.03)


def test_clipping_is_seen_after_the_audio_was_turned_down() -> None:
    clipped = np.clip(TONE, -0.3, 0.3)
    assert clipped_ratio(clipped * 0.05) == pytest.approx(clipped_ratio(clipped), abs=0.01)


def test_pauses_do_not_lower_the_level_of_speech() -> None:
    with_pause = np.concatenate([TONE, np.zeros(32_000, np.float32), TONE])
    assert active_level_db(with_pause, 16_000) == pytest.approx(active_level_db(TONE, 16_000))
