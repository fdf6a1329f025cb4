"""Prompts as ids: goldens, the published recipe, the shipped chat template, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from golden_prompts import (
    GOLDENS,
    REFERENCE,
    as_text,
    pieces,
    request,
    small_tokenizer,
    wordings,
)
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from small_sentencepiece import KEPT

from lauter.datasets.codes import InvalidCodesError, codes_as_text
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, STEP_AUDIO, Reference, speech_prompt
from lauter.datasets.records import Request
from lauter.datasets.speech_length import most_codes
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.teacher.step_audio.edit_layout import EditLayout
from lauter.teacher.step_audio.edits import Edit, EditKind
from lauter.teacher.step_audio.layouts import Layout, TokenPrompt, parted
from lauter.teacher.step_audio.templates import PLACES, read_wordings

TOKENIZER = small_tokenizer()
PIECES = SentencePieceProcessor(model_file=str(KEPT))
SPEAKING = [layout for layout in PLACES if layout != "editx_edit"]
HAPPY = Edit(EditKind.EMOTION, "happy")

texts = st.text(st.characters(exclude_characters="()（）▁", codec="utf-8"), min_size=1)


def layout(name: str) -> Layout:
    return Layout(TOKENIZER, wordings(name))


def said(text: str = "今天天气很好。", **columns: object) -> Request:
    return request(text, "zh", "cmn", **columns)


def rendered(prompt: TokenPrompt) -> str:
    """The text form of a prompt, as chat templates write it."""
    joined = "".join(pieces(prompt)).replace("▁", " ")
    return joined.replace("<0x0A>", "\n").replace("<0x5B>", "[").replace("<0x5D>", "]")


def test_prompts_are_golden() -> None:
    assert as_text() == GOLDENS.read_text(encoding="utf-8")


@given(texts, texts)
def test_tts_3b_is_the_published_recipe(reference_text: str, text: str) -> None:
    # Published: roles and system encoded as they are, texts behind a newline whose ids are cut off.
    guard = len(PIECES.encode("\n"))
    reference = replace(REFERENCE, text=reference_text)
    expected = [1, 4, *PIECES.encode("system\nRead the text."), 3]
    expected += [4, *PIECES.encode("human\n"), *PIECES.encode(f"\n{reference_text}")[guard:], 3]
    expected += [4, *PIECES.encode("assistant\n"), 65537, 65538, 66563, 66564, 66565, 3]
    expected += [4, *PIECES.encode("human\n"), *PIECES.encode(f"\n(高兴2){text}")[guard:], 3]
    expected += [4, *PIECES.encode("assistant\n")]
    asked = said(text, emotion="joy", emotion_level=2)
    assert layout("tts_3b").prompt(asked, reference).ids.tolist() == expected


def test_editx_clones_in_its_chat_template() -> None:
    prompt = layout("editx_clone").prompt(request("今天天气很好。", "zh", "yue"), REFERENCE)
    codes = codes_as_text(REFERENCE.codes)
    assert rendered(prompt) == (
        f"<s><|BOT|> system\n<0x56>oice Ada\n你好。\n{codes}\nPlease.\n<|EOT|>"
        "<|BOT|> human\n[<0x43>antonese]今天天气很好。<|EOT|><|BOT|> assistant\n"
    )


def test_editx_edits_in_its_chat_template() -> None:
    source = replace(REFERENCE, text=" 你好。\n")
    prompt = EditLayout(TOKENIZER, wordings("editx_edit")).prompt(source, HAPPY)
    codes = codes_as_text(REFERENCE.codes)
    assert rendered(prompt) == (
        "<s><|BOT|> system\nMake this speech happier.\n<|EOT|>"
        f"<|BOT|> human\nhappy: 你好。\n\n{codes}\n<|EOT|><|BOT|> assistant\n"
    )


def test_a_continuation_goes_on_from_the_references_codes() -> None:
    prompt = layout("continuation").prompt(said(), REFERENCE)
    assert rendered(prompt) == (
        "<s><|BOT|> system\nRead.<|EOT|><|BOT|> human\n你好。\n今天天气很好。<|EOT|>"
        f"<|BOT|> assistant\n{codes_as_text(REFERENCE.codes)}"
    )


def test_aqaa_is_asked_in_words_and_shown_an_earlier_answer() -> None:
    asked = said(emotion="joy", emotion_level=1, speed_level=-1)
    named = replace(asked, prompt=replace(asked.prompt, dialect="ja-JP", language="ja"))
    alone = rendered(layout("aqaa").prompt(named))
    assert "<|BOT|> human\nSay in <0x4A>apanese, happy, slow: 今天天气很好。<|EOT|>" in alone
    shown = rendered(layout("aqaa").prompt(named, REFERENCE))
    turns = (
        f"<|BOT|> human\n你好。<|EOT|><|BOT|> assistant\n{codes_as_text(REFERENCE.codes)}<|EOT|>"
    )
    assert shown == alone.replace("<|EOT|><|BOT|> human\nSay", f"<|EOT|>{turns}<|BOT|> human\nSay")


@pytest.mark.parametrize("name", PLACES)
def test_our_own_wordings_make_prompts(name: str) -> None:
    ours = read_wordings(name)
    if name == "editx_edit":
        ids = EditLayout(TOKENIZER, ours).prompt(REFERENCE, HAPPY).ids
    else:
        ids = Layout(TOKENIZER, ours).prompt(said(), REFERENCE).ids
    assert ids.dtype == np.int64
    text = TOKENIZER.decode([one for one in ids.tolist() if one < STEP_AUDIO.text_size])
    assert REFERENCE.text in text
    assert "{" not in text


@pytest.mark.parametrize("is_shown", [False, True])
def test_a_student_is_asked_as_it_was_taught(is_shown: bool) -> None:
    asked = said(emotion="fear", emotion_level=4)
    reference = REFERENCE if is_shown else None
    expected = speech_prompt(
        ByteTokenizer(),
        COMPACT,
        "(fear4)今天天气很好。",
        system="" if is_shown else "Ada",
        reference=reference,
    )
    student = Layout(ByteTokenizer(), read_wordings("student"), COMPACT, context=1024)
    assert np.array_equal(student.prompt(asked, reference).ids, expected)


@pytest.mark.parametrize("style", ["rap", "sung"])
def test_rap_and_song_have_a_system_text_of_their_own(style: str) -> None:
    texts = wordings("tts_3b").texts
    prompt = layout("tts_3b").prompt(said(style=style), REFERENCE)
    assert rendered(prompt).startswith(f"<s><|BOT|> system\n{texts[style]}<|EOT|>")


def test_an_answer_of_aqaa_is_parted_into_speech_and_text() -> None:
    speech, written = parted(np.asarray([300, 65537, 301, 65538, 66563, 302]))
    assert speech.tolist() == [65537, 65538, 66563]
    assert written.tolist() == [300, 301, 302]


@pytest.mark.parametrize("name", SPEAKING)
def test_the_bound_has_room_for_slow_speech_in_whole_groups_and_its_end(name: str) -> None:
    text = "今天天气很好。" * 4
    prompt = layout(name).prompt(said(text), REFERENCE)
    assert prompt.stop_ids == (3,)
    assert prompt.max_tokens >= most_codes(text) + 1
    assert (prompt.max_tokens - 1) % 5 == 0
    assert len(prompt.ids) + prompt.max_tokens <= 8192


def test_song_has_twice_the_room() -> None:
    plain, sung = (
        layout("tts_3b").prompt(said(style=style), REFERENCE) for style in ("plain", "sung")
    )
    assert sung.max_tokens == pytest.approx(2 * plain.max_tokens, abs=5)


def test_an_edit_has_room_for_three_times_its_source() -> None:
    source = replace(REFERENCE, codes=np.tile(REFERENCE.codes, 100))
    prompt = EditLayout(TOKENIZER, wordings("editx_edit")).prompt(source, HAPPY)
    assert prompt.max_tokens == 3 * 500 + 1


def test_the_context_bounds_the_answer() -> None:
    tight = Layout(TOKENIZER, wordings("tts_3b"), context=150)
    prompt = tight.prompt(said(), REFERENCE)
    assert len(prompt.ids) + prompt.max_tokens == 150
    with pytest.raises(UsageError, match="the context is 100, speech included; cut the text"):
        Layout(TOKENIZER, wordings("tts_3b"), context=100).prompt(said(), REFERENCE)


@pytest.mark.parametrize("name", ["tts_3b", "student"])
def test_a_text_that_begins_with_a_tag_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"begins with a tag.*move it into the prompt's columns"):
        layout(name).prompt(said("（高兴2）今天天气很好。"), REFERENCE)


@pytest.mark.parametrize("name", ["tts_3b", "editx_clone", "aqaa", "continuation"])
def test_what_a_checkpoint_was_not_taught_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' has"):
        layout(name).prompt(said(emotion="fear", emotion_level=5), REFERENCE)


@pytest.mark.parametrize("name", ["tts_3b", "editx_clone", "continuation"])
def test_a_voice_without_a_reference_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} speaks in the voice of a reference"):
        layout(name).prompt(said())


@pytest.mark.parametrize("name", SPEAKING)
@pytest.mark.parametrize("codes", [[], [1, 2], [1027, 1, 2, 1028, 1029], [1, 2, 1027, 1028, 9999]])
def test_a_reference_that_is_no_speech_is_refused(name: str, codes: list[int]) -> None:
    reference = Reference("你好。", np.asarray(codes, np.int32), "the voice 'Ada'")
    with pytest.raises(InvalidCodesError, match="the voice 'Ada'"):
        layout(name).prompt(said(), reference)


def test_a_source_that_is_no_speech_is_not_edited() -> None:
    source = Reference("你好。", np.asarray([1, 2], np.int32), "the speech")
    with pytest.raises(InvalidCodesError, match="the speech"):
        EditLayout(TOKENIZER, wordings("editx_edit")).prompt(source, HAPPY)


def test_layouts_take_the_wordings_of_their_kind() -> None:
    with pytest.raises(UsageError, match="'editx_edit' is no layout to speak in"):
        layout("editx_edit")
    with pytest.raises(UsageError, match="'aqaa' is no layout to edit in"):
        EditLayout(TOKENIZER, wordings("aqaa"))


def test_the_fingerprint_is_of_all_that_decides_a_prompt() -> None:
    plain = layout("tts_3b")
    others = [
        replace(plain, wordings=read_wordings("tts_3b")),
        replace(plain, wordings=wordings("student")),
        replace(plain, tokenizer=ByteTokenizer()),
        replace(plain, vocabulary=COMPACT),
        replace(plain, context=4096),
    ]
    assert len({plain.fingerprint(), *(other.fingerprint() for other in others)}) == 6
    assert layout("tts_3b").fingerprint() == plain.fingerprint()
