"""Edits of speech that is there: each does what it says, to what it applies, or says why not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken_sentences import Spoken, spoken_sentences

from lauter.datasets.errors import UsageError
from lauter.datasets.lineage import EDITS, UNDONE, Derivation, edit_of
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Emotion, Style, without_sounds
from lauter.teacher.edit import edit
from lauter.teacher.edit.derive import applies, derived, derived_prompt, fingerprint

SPOKEN = spoken_sentences()[5]
PLAIN = Prompt(SPOKEN.text, "en", "en-US", speaker="heart")
JOYFUL = Prompt(SPOKEN.text, "en", "en-US", "joy", 2, speaker="heart")
SUNG = Prompt(SPOKEN.text, "en", "en-US", "joy", 1, "sung", 0, "heart")
TAGS = st.tuples(
    st.sampled_from([("neutral", 0), ("joy", 1), ("fear", 5)]),
    st.sampled_from(list(Style)),
    st.integers(-2, 2),
)


def asked_for(derivation: Derivation) -> Prompt:
    return {Derivation.REMOVE_EMOTION: JOYFUL, Derivation.REMOVE_STYLE: SUNG}.get(derivation, PLAIN)


@pytest.fixture(scope="module")
def speech() -> dict[Prompt, Spoken]:
    manners = {
        PLAIN: SPOKEN.samples,
        JOYFUL: edit(SPOKEN.samples, SPOKEN.sample_rate, emotion="joy", emotion_level=2),
        SUNG: edit(SPOKEN.samples, SPOKEN.sample_rate, emotion="joy", emotion_level=1,
                   style="sung"),
    }  # fmt: skip
    return {prompt: Spoken(prompt.text, "en", samples) for prompt, samples in manners.items()}


@pytest.mark.parametrize("derivation", Derivation)
def test_every_edit_gives_other_speech_and_the_same_each_time(
    speech: dict[Prompt, Spoken], derivation: Derivation
) -> None:
    prompt = asked_for(derivation)
    before = speech[prompt].samples
    kept = before.copy()
    if derivation == Derivation.TRIM_SILENCE:
        before = derived(before, SPOKEN.sample_rate, prompt, Derivation.SILENCE, 0)
        kept = before.copy()
    after = derived(before, SPOKEN.sample_rate, prompt, derivation, 5)
    assert after.dtype == np.float32
    assert np.isfinite(after).all() and np.abs(after).max() < 1
    assert np.array_equal(before, kept)
    again = derived(before, SPOKEN.sample_rate, prompt, derivation, 5)
    assert np.array_equal(after, again)
    if derivation == Derivation.DENOISE:
        assert np.abs(after - before).max() < 1e-3  # there is no noise to take away
    else:
        assert len(after) != len(before) or not np.array_equal(after, before)


@pytest.mark.parametrize("derivation", Derivation)
@pytest.mark.parametrize(
    ("seconds", "gain", "sentence"),
    [
        (0.0, 1.0, "speech of 0 samples at 24000 Hz is too short to be edited"),
        (0.02, 1.0, "speech of 480 samples at 24000 Hz is too short to be edited"),
        (1.0, 0.0, "the recording is silent throughout"),
    ],
)
def test_what_is_no_speech_is_answered_with_a_sentence(
    derivation: Derivation, seconds: float, gain: float, sentence: str
) -> None:
    samples = SPOKEN.samples[10_000 : 10_000 + round(seconds * 24000)] * np.float32(gain)
    with pytest.raises(UsageError, match=sentence):
        derived(samples, 24000, asked_for(derivation), derivation, 0)


@pytest.mark.parametrize("derivation", Derivation)
def test_the_shortest_speech_that_is_taken_can_be_edited(derivation: Derivation) -> None:
    samples = SPOKEN.samples[20_000 : 20_000 + 1200]
    assert np.isfinite(derived(samples, 24000, asked_for(derivation), derivation, 2)).all()


@given(TAGS, st.sampled_from(Derivation), st.integers(0, 9))
def test_the_tags_say_what_edited_speech_is_now(
    tags: tuple[tuple[str, int], str, int], derivation: Derivation, seed: int
) -> None:
    (emotion, level), style, speed = tags
    prompt = Prompt("Well, yes.", "en", "en-US", emotion, level, style, speed, "heart")
    asked = derived_prompt(prompt, derivation, seed)
    assert without_sounds(asked.text) == prompt.text
    if derivation == Derivation.REMOVE_EMOTION:
        assert (asked.emotion, asked.emotion_level) == (Emotion.NEUTRAL, 0)
    elif derivation == Derivation.REMOVE_STYLE:
        assert asked.style == Style.PLAIN
    else:
        cell = asked.emotion, asked.emotion_level, asked.style
        assert cell == (prompt.emotion, prompt.emotion_level, prompt.style)
    assert asked.speed_level == prompt.speed_level and asked.speaker == prompt.speaker


@given(TAGS, st.booleans())
def test_no_edit_can_be_made_of_its_own_speech_for_ever(
    tags: tuple[tuple[str, int], str, int], found: bool
) -> None:
    (emotion, level), style, speed = tags
    prompt = Prompt("Yes.", "en", "en-US", emotion, level, style, speed, "heart")
    waiting = [(prompt, edit_of(prompt), found, 0)]
    while waiting:
        asked, made_by, is_found, depth = waiting.pop()
        assert depth <= 2
        waiting += [
            (derived_prompt(asked, derivation, 0), derivation.value, False, depth + 1)
            for derivation in Derivation
            if applies(asked, derivation, made_by, found=is_found)
        ]


def test_what_was_not_put_in_is_not_taken_out() -> None:
    for undoing, done in UNDONE.items():
        assert applies(PLAIN, undoing, done, found=False)
        assert applies(PLAIN, undoing, None, found=True)  # recordings may have noise of their own
        assert not applies(PLAIN, undoing, None, found=False)
        assert not applies(PLAIN, undoing, "joy 1", found=False)
    assert not applies(PLAIN, Derivation.REMOVE_EMOTION, None, found=True)
    assert not applies(SUNG, Derivation.REMOVE_EMOTION, "sung", found=False)
    assert applies(SUNG, Derivation.REMOVE_STYLE, "sung", found=False)


def test_every_edit_has_a_fingerprint_of_its_own_and_a_word_that_policies_know() -> None:
    assert len({fingerprint(derivation) for derivation in Derivation}) == len(Derivation)
    assert set(Derivation) <= set(EDITS)
