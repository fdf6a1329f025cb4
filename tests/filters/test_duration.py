"""Pace: numerals count as they are spoken, and faster speech is faster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_clips import sample_of, studio_clips

from lauter.datasets.audio import Clip, resample
from lauter.datasets.records import Prompt
from lauter.filters.duration import DurationScorer, pace, spoken, usual_s


def figures(clip: Clip, prompt: Prompt, **scores: float) -> dict[str, float | None]:
    (found,) = DurationScorer().score([sample_of(clip, prompt, scores=scores)])
    assert not isinstance(found, Exception)
    return dict(found)


def test_the_studio_speaks_about_as_fast_as_usual() -> None:
    for utterance in studio_clips():
        found = figures(utterance.clip, utterance.prompt)["pace"]
        assert found is not None
        assert 0.7 < found < 1.4, utterance.prompt.text


@pytest.mark.parametrize("factor", [0.7, 1.5])
def test_pace_rises_as_the_audio_gets_shorter(factor: float) -> None:
    utterance = studio_clips()[0]
    rate = utterance.clip.sample_rate
    faster = Clip.of(resample(utterance.clip.samples, round(rate * factor), rate), rate)
    plain, changed = (figures(clip, utterance.prompt) for clip in (utterance.clip, faster))
    for name in ("pace", "characters_per_second"):
        before, after = plain[name], changed[name]
        assert before is not None and after is not None
        assert after / before == pytest.approx(factor, rel=0.01)


@pytest.mark.parametrize(
    ("language", "figure", "words"),
    [
        ("en", "She sold 42 lamps.", "She sold forty-two lamps."),
        ("zh", "他买了42本书。", "他买了四十二本书。"),
        ("ja", "42人です。", "四十二人です。"),
    ],
)
def test_numerals_are_counted_as_they_are_spoken(language: str, figure: str, words: str) -> None:
    assert spoken(figure, language) == spoken(words, language)
    assert usual_s(figure, language) == usual_s(words, language)


def test_seconds_of_speech_count_where_they_are_known() -> None:
    utterance = studio_clips()[0]
    whole = figures(utterance.clip, utterance.prompt)
    half = figures(utterance.clip, utterance.prompt, speech_s=utterance.clip.duration_s / 2)
    assert half["pace"] == pytest.approx(2 * (whole["pace"] or 0.0))


def test_where_nothing_is_said_or_the_language_is_unknown_there_is_no_pace() -> None:
    utterance = studio_clips()[0]
    silent = figures(utterance.clip, utterance.prompt, speech_s=0.0)
    assert silent == {"characters_per_second": None, "pace": None}
    assert figures(utterance.clip, Prompt("안녕하세요.", "ko", "ko-KR"))["pace"] is None
    assert figures(utterance.clip, Prompt("?!", "en", "en-US"))["pace"] is None


@given(st.text("abcdefgh aeiou", min_size=1, max_size=60), st.floats(0.1, 60.0))
def test_twice_the_time_is_half_the_pace(text: str, seconds: float) -> None:
    once, twice = pace(text, "en", seconds), pace(text, "en", 2 * seconds)
    assert (once is None and twice is None) or twice == pytest.approx(once / 2)  # type: ignore[operator]
