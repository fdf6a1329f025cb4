"""Where edited speech came from: parents follow from prompts, and chains end in neutral speech."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.lineage import edit_of, parent_of, parent_request
from lauter.datasets.records import Prompt, Request
from lauter.datasets.tags import MAX_LEVEL, Emotion, Style

FELT = [emotion.value for emotion in Emotion if emotion != Emotion.NEUTRAL]


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    emotion, level = draw(
        st.one_of(
            st.just(("neutral", 0)),
            st.tuples(st.sampled_from(FELT), st.integers(1, MAX_LEVEL)),
        )
    )
    style = draw(st.sampled_from([style.value for style in Style]))
    speed = draw(st.integers(-MAX_LEVEL, MAX_LEVEL))
    return Prompt("Hello there.", "en", "en-US", emotion, level, style, speed, "heart")


@given(prompts())
def test_every_chain_ends_in_plain_neutral_speech_of_the_same_text_and_voice(asked: Prompt) -> None:
    steps = abs(asked.speed_level) + (asked.style != "plain") + asked.emotion_level
    prompt = asked
    for _ in range(steps):
        parent = parent_of(prompt)
        assert parent is not None
        assert edit_of(prompt) is not None
        prompt = parent
    assert prompt == Prompt("Hello there.", "en", "en-US", speaker="heart")
    assert parent_of(prompt) is None
    assert edit_of(prompt) is None


def test_pace_is_taken_back_first_then_style_then_emotion() -> None:
    asked = Prompt("Hi.", "en", "en-US", "joy", 2, "rap", -1, "heart")
    steps = []
    while asked is not None:
        steps.append(edit_of(asked))
        asked = parent_of(asked)  # type: ignore[assignment]
    assert steps == ["speed -1", "rap", "joy 2", "joy 1", None]


def test_a_parent_is_asked_of_the_same_teacher_with_the_same_seed() -> None:
    prompt = Prompt("Hi.", "en", "en-US", "joy", 2, speaker="heart")
    request = Request(prompt, "fast", "f" * 32, 7).identified()
    parent = parent_request(request)
    assert parent == Request(replace(prompt, emotion_level=1), "fast", "f" * 32, 7).identified()
    neutral = Request(replace(prompt, emotion="neutral", emotion_level=0), "fast", "f" * 32, 7)
    assert parent_request(neutral) is None
