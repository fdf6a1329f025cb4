"""One voice in one utterance: what the figure says of one speaker and of two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken_sentences import spoken_sentences
from studio_clips import sample_of

from lauter.datasets.audio import Clip
from lauter.filters.one_voice import LEAST_PARTIALS, ONE_VOICE_FROM, voice_consistency
from lauter.filters.speaker import SpeakerScorer


@pytest.fixture(scope="module")
def figures() -> dict[str, float | None]:
    """Of hibari's voice alone, of Open JTalk's alone, of one after the other, of a short one."""
    spoken = spoken_sentences()
    english = [one.samples for one in spoken if one.language == "en"]
    japanese = [one.samples for one in spoken if one.language == "ja"]
    clips = {
        "english": np.concatenate(english[:2]),
        "japanese": np.concatenate(japanese[:2]),
        "both": np.concatenate([english[0], japanese[0]]),
        "interrupted": np.concatenate([english[0], japanese[0], english[1]]),
        "short": english[0][: 24_000 * 3 // 2],
    }
    samples = [sample_of(Clip.of(clip, 24_000)) for clip in clips.values()]
    scored = SpeakerScorer().score(samples)
    return {
        name: one["voice_consistency"]  # type: ignore[index]
        for name, one in zip(clips, scored, strict=True)
    }


def test_two_voices_in_one_utterance_fall_below_the_bound(
    figures: dict[str, float | None],
) -> None:
    for name in ("english", "japanese"):
        assert (figures[name] or 0.0) >= ONE_VOICE_FROM, figures
    for name in ("both", "interrupted"):
        assert (figures[name] or 1.0) < ONE_VOICE_FROM, figures


def test_too_short_an_utterance_is_not_judged(figures: dict[str, float | None]) -> None:
    assert figures["short"] is None
    assert voice_consistency(np.eye(LEAST_PARTIALS - 1, 4, dtype=np.float32)) is None


@given(st.integers(LEAST_PARTIALS, 12), st.integers(0, 2**32 - 1))
def test_the_figure_is_a_cosine_and_one_where_all_is_alike(count: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).standard_normal((count, 8)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    figure = voice_consistency(drawn)
    assert figure is not None and -1.001 <= figure <= 1.001
    assert voice_consistency(np.repeat(drawn[:1], count, axis=0)) == pytest.approx(1.0, abs=1e-5)
