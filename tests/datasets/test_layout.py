"""Dialogues as ids: goldens of the layout, and what is learnt in it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.codes import CODES, InvalidCodesError, find_fault
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import (
    BEGIN,
    BOS,
    COMPACT,
    END,
    STEP_AUDIO,
    Reference,
    Vocabulary,
    speech_example,
    speech_prompt,
    tag_words,
)
from lauter.datasets.tags import Emotion, Style
from lauter.datasets.text_tokens import ByteTokenizer

TOKENIZER = ByteTokenizer()
GROUP = np.asarray([1, 2, 1027, 1028, 1029], np.int32)
GROUP_IDS = [272 + 1, 272 + 2, 272 + 1027, 272 + 1028, 272 + 1029]


class LetterTokenizer:
    """As many ids as there are letters, so that a golden can be read."""

    first_id = 100
    size = 200

    def encode(self, text: str) -> list[int]:
        return [self.first_id + ord(letter) % 100 for letter in text]

    def decode(self, ids: Any) -> str:
        raise NotImplementedError

    def fingerprint(self) -> str:
        return "letters"


SYSTEM, HUMAN, ASSISTANT = 8, 9, 10


def byte_ids(text: str) -> list[int]:
    return [16 + byte for byte in text.encode()]


def plain(**columns: Any) -> dict[str, Any]:
    return {
        "dialect": "en-US",
        "emotion": Emotion.NEUTRAL,
        "emotion_level": 0,
        "style": Style.PLAIN,
        "speed_level": 0,
    } | columns


def test_a_prompt_is_the_system_turn_the_text_and_the_begun_answer() -> None:
    prompt = speech_prompt(TOKENIZER, COMPACT, "(高兴2)Hi", system="anna")
    assert prompt.dtype == np.int64
    assert prompt.tolist() == [
        *[BOS],
        *[BEGIN, SYSTEM, *byte_ids("anna"), END],
        *[BEGIN, HUMAN, *byte_ids("(高兴2)Hi"), END],
        *[BEGIN, ASSISTANT],
    ]


def test_a_reference_is_a_turn_of_its_own_before_the_text() -> None:
    prompt = speech_prompt(TOKENIZER, COMPACT, "Hi", system="s", reference=Reference("Yes", GROUP))
    assert prompt.tolist() == [
        *[BOS],
        *[BEGIN, SYSTEM, *byte_ids("s"), END],
        *[BEGIN, HUMAN, *byte_ids("Yes"), END],
        *[BEGIN, ASSISTANT, *GROUP_IDS, END],
        *[BEGIN, HUMAN, *byte_ids("Hi"), END],
        *[BEGIN, ASSISTANT],
    ]


def test_the_ids_of_a_short_prompt_stay_what_they_were() -> None:
    # Written out: students were trained on just these.
    prompt = speech_prompt(LetterTokenizer(), STEP_AUDIO, "a", system="b")
    assert prompt.tolist() == [
        1, 4, 115, 121, 115, 116, 101, 109, 110, 198, 3,
        4, 104, 117, 109, 197, 110, 110, 197, 3,
        4, 197, 115, 115, 105, 115, 116, 197, 110, 116, 110,
    ]  # fmt: skip


def test_learnt_are_the_codes_and_the_end_and_nothing_before() -> None:
    prompt = speech_prompt(TOKENIZER, COMPACT, "Hi", system="s")
    example = speech_example(prompt, COMPACT, GROUP)
    assert example.ids.tolist() == [*prompt.tolist(), *GROUP_IDS, END]
    assert example.ids[example.is_target].tolist() == [*GROUP_IDS, END]


@given(st.lists(st.integers(0, CODES - 1)), st.sampled_from([COMPACT, STEP_AUDIO]))
def test_codes_come_back_from_their_ids(codes: list[int], vocabulary: Vocabulary) -> None:
    ids = vocabulary.ids_of(codes)
    assert all(vocabulary.text_size <= one < vocabulary.size for one in ids.tolist())
    assert vocabulary.codes_of(ids).tolist() == codes


@pytest.mark.parametrize("vocabulary", [COMPACT, STEP_AUDIO])
@pytest.mark.parametrize("place", ["text", "unused"])
def test_an_id_that_is_no_code_is_found(vocabulary: Vocabulary, place: str) -> None:
    wrong = vocabulary.text_size - 1 if place == "text" else vocabulary.text_size + CODES
    ids = vocabulary.ids_of(GROUP)
    ids[0] = wrong
    fault = find_fault(vocabulary.codes_of(ids))
    assert fault is not None
    assert fault.position == 0


def test_the_vocabularies_have_the_published_sizes() -> None:
    assert (STEP_AUDIO.text_size, STEP_AUDIO.size) == (65_536, 74_752)
    assert COMPACT.text_size == TOKENIZER.size


def test_a_vocabulary_without_room_for_the_codes_is_refused() -> None:
    with pytest.raises(UsageError, match="give it 5392 or more"):
        Vocabulary(272, 5391)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, ""),
        ({"emotion": Emotion.JOY, "emotion_level": 2}, "(高兴2)"),
        ({"emotion": Emotion.FEAR, "emotion_level": 1}, "(fear1)"),
        ({"style": Style.RAP}, "(RAP)"),
        ({"speed_level": 2}, "(快速2)"),
        ({"speed_level": -1}, "(慢速1)"),
        ({"dialect": "yue"}, "(粤语)"),
        ({"dialect": "sichuan", "speed_level": 1}, "(四川话)(快速1)"),
        ({"dialect": "en-GB"}, "(en-GB)"),
        (
            {"emotion": "cute", "emotion_level": 1, "style": "sung", "speed_level": 1},
            "(撒娇1)(哼唱)(快速1)",
        ),
    ],
)
def test_tags_are_the_words_of_the_released_models(columns: dict[str, Any], words: str) -> None:
    assert tag_words(plain(**columns)) == words


def test_every_emotion_and_style_has_words_of_its_own() -> None:
    words = [tag_words(plain(emotion=emotion, emotion_level=1)) for emotion in Emotion]
    words += [tag_words(plain(style=style)) for style in Style if style != Style.PLAIN]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("codes", [GROUP[:4], GROUP[::-1], GROUP[:0]])
def test_codes_that_are_not_valid_or_none_are_refused(codes: np.ndarray[Any, Any]) -> None:
    with pytest.raises(InvalidCodesError, match="the reference"):
        speech_prompt(TOKENIZER, COMPACT, "Hi", system="s", reference=Reference("Yes", codes))
    with pytest.raises(InvalidCodesError, match="the answer"):
        speech_example(np.asarray([BOS]), COMPACT, codes)
