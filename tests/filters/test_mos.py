"""Naturalness: noise and gaps lower it, neighbours do not touch it."""

import numpy as np
import pytest
from studio_clips import sample_of, studio_clips

from lauter.datasets.audio import Clip
from lauter.filters.mos import STEP, WINDOW, MosScorer, windows

MOS = MosScorer()


def figures(*clips: Clip) -> list[dict[str, float]]:
    found = MOS.score([sample_of(clip) for clip in clips])
    assert not any(isinstance(one, Exception) for one in found)
    return [dict(one) for one in found]  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_noisier_the_worse_alone_or_among_others() -> None:
    clip = studio_clips()[0].clip
    speech, rate = clip.samples, clip.sample_rate
    noise = np.random.default_rng(0).standard_normal(len(speech)) * np.sqrt(np.mean(speech**2))
    noisy, noisier = (
        Clip.of((speech + noise * 10 ** (-ratio_db / 20)).astype(np.float32), rate)
        for ratio_db in (20.0, 5.0)
    )
    together = figures(clip, noisy, noisier)
    assert [figures(one)[0] for one in (clip, noisy)] == together[:2]
    for name in ("mos", "mos_background"):
        best, middle, worst = (one[name] for one in together)
        assert best > middle + 0.3 > worst + 0.6


def test_speech_with_holes_is_worse_than_whole_speech() -> None:
    clip = studio_clips()[4].clip
    holes = clip.samples * (np.arange(len(clip.samples)) // 1200 % 4 != 0)
    whole, broken = figures(clip, Clip.of(holes.astype(np.float32), clip.sample_rate))
    assert whole["mos"] > broken["mos"] + 0.5
    assert whole["mos_signal"] > broken["mos_signal"] + 0.5


@pytest.mark.parametrize("length", [1, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW + 777])
def test_windows_hear_every_sample(length: int) -> None:
    audio = np.arange(length, dtype=np.float32)
    heard = windows(audio)
    assert heard.shape[1] == WINDOW
    assert set(heard.reshape(-1)) == set(audio)
    if length > WINDOW:
        assert np.all(np.diff(heard[:, 0]) <= STEP)
