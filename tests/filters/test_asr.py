"""What was heard: alone or among others, in silence, over 30 seconds, in the language told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_clips import sample_of, studio_clips

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt
from lauter.filters.asr import (
    MAX_PIECE_S,
    SAMPLE_RATE,
    WHOLE_WINDOW_S,
    AsrScorer,
    Transcript,
    WhisperRecogniser,
    pieces,
    window_s,
)
from lauter.filters.error_rate import character_error_rates

WHISPER = WhisperRecogniser(batch_size=4)


@pytest.fixture(scope="module")
def clips() -> list[Samples]:
    return [utterance.clip.at(SAMPLE_RATE) for utterance in studio_clips()]


@pytest.fixture(scope="module")
def together(clips: list[Samples]) -> list[Transcript]:
    return WHISPER.transcribe(clips, [one.prompt.dialect for one in studio_clips()])


@pytest.mark.slow
def test_real_speech_is_written_down(together: list[Transcript]) -> None:
    prompts = [utterance.prompt for utterance in studio_clips()]
    rates = character_error_rates(
        [prompt.text for prompt in prompts],
        [transcript.text for transcript in together],
        [prompt.language for prompt in prompts],
    )
    of = {
        language: np.mean(
            [r for r, p in zip(rates, prompts, strict=True) if p.language == language]
        )
        for language in ("en", "ja")
    }
    assert max(of.values()) < 0.15, together
    assert all(one.language_probability > 0.8 for one in together)  # type: ignore[operator]


@pytest.mark.slow
def test_one_that_is_seldom_in_doubt_writes_the_same_of_clear_english(
    clips: list[Samples], together: list[Transcript]
) -> None:
    english = [n for n, one in enumerate(studio_clips()) if one.prompt.language == "en"]
    sure = WhisperRecogniser(batch_size=4, doubt=-0.5)
    heard = sure.transcribe([clips[n] for n in english], ["en-US"] * len(english))
    assert [one.text for one in heard] == [together[n].text for n in english]
    assert sure.fingerprint() != WHISPER.fingerprint()


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 6])
def test_a_clip_heard_alone_is_heard_as_among_others(
    number: int, clips: list[Samples], together: list[Transcript]
) -> None:
    (alone,) = WHISPER.transcribe([clips[number]], [studio_clips()[number].prompt.dialect])
    assert alone.text == together[number].text
    assert alone.confidence == pytest.approx(together[number].confidence, abs=0.02)
    assert alone.language_probability == pytest.approx(
        together[number].language_probability, abs=0.02
    )


@pytest.mark.slow
def test_speech_of_another_language_is_seen(clips: list[Samples]) -> None:
    (transcript,) = WHISPER.transcribe([clips[0]], ["ja-JP"])
    assert transcript.language_probability is not None
    assert transcript.language_probability < 0.5


@pytest.mark.slow
def test_speech_of_over_30_seconds_is_heard_to_its_end(clips: list[Samples]) -> None:
    first, second = clips[0], clips[1]
    pause = np.zeros(13 * SAMPLE_RATE, np.float32)
    (transcript,) = WHISPER.transcribe(
        [np.concatenate([first, pause, first, pause, second])], ["en-US"]
    )
    heard = transcript.text.lower()
    assert heard.count("whistled") == 2
    assert "storm" in heard


@pytest.mark.slow
def test_silence_is_not_an_endless_text() -> None:
    (transcript,) = WHISPER.transcribe([np.zeros(2 * SAMPLE_RATE, np.float32)], ["en-US"])
    assert len(transcript.text) < 60


@given(st.lists(st.floats(0.0, 20.0), min_size=1, max_size=8))
def test_pieces_are_the_whole_and_fit_a_window(seconds: list[float]) -> None:
    tones = [np.full(int(part * SAMPLE_RATE), 0.1 + part / 40, np.float32) for part in seconds]
    audio = np.concatenate(tones)
    cut = pieces(audio)
    assert np.array_equal(np.concatenate(cut), audio)
    assert all(len(piece) <= MAX_PIECE_S * SAMPLE_RATE for piece in cut)


def test_a_long_clip_is_cut_in_its_pause() -> None:
    tone = np.sin(np.arange(25 * SAMPLE_RATE)).astype(np.float32)
    first, _ = pieces(np.concatenate([tone, np.zeros(SAMPLE_RATE, np.float32), tone[: 9 * 16_000]]))
    assert 25.0 <= len(first) / SAMPLE_RATE <= 26.0


@given(st.floats(0.0, MAX_PIECE_S))
def test_a_window_is_longer_than_its_clip(duration_s: float) -> None:
    assert duration_s < window_s(duration_s) <= WHOLE_WINDOW_S


def test_a_dialect_that_the_recogniser_does_not_know_is_not_applicable() -> None:
    clip = Clip.of(np.zeros(1000, np.float32), SAMPLE_RATE)
    assert AsrScorer().score([sample_of(clip, Prompt("你好。", "zh", "yue"))]) == [{}]
    with pytest.raises(UsageError, match="does not know yue; it knows cmn"):
        WHISPER.transcribe([clip.samples], ["yue"])
