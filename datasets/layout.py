"""How a dialogue of text and speech stands in a language model's ids.

A turn is ``begin``, its role, a newline, its content, ``end``; a dialogue is ``bos`` and turns.
To speak is two turns of human and assistant: the first gives a text and how the wanted voice says
it (that carries the timbre: cloning is a swap of the first turn), the second gives the text to say,
with its tags before it, and is answered in speech codes (arXiv 2502.11946, section 4; the ids are
those of the released models). Where a student has learned a voice by name, the first turn may be
left out. To edit is the same two turns with one text: the first is answered by the speech that
there is, and the tag of the second says what is to change in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.codes import CODES, GROUP_MS, Codes, InvalidCodesError, check_codes
from lauter.datasets.edits import SPEED, Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Dialect, Emotion, Style
from lauter.datasets.text_tokens import TextTokenizer

PAD: Final = 0
BOS: Final = 1
END: Final = 3
"""Ends a turn; a model that has said it has said all."""
BEGIN: Final = 4

Ids = NDArray[np.int64]
"""Ids of a vocabulary, int64 ``[ids]``."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Ids below ``text_size`` are text and control, then come the codes of speech, up to ``size``.

    ``size`` may be greater than what is used, so that matrices have a good shape.
    """

    text_size: int
    size: int

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where the codes do not fit."""
        if self.text_size <= BEGIN or self.size < self.text_size + CODES:
            raise UsageError(
                f"a vocabulary of {self.size} ids with {self.text_size} for text has no room for "
                f"{CODES} speech codes; give it {self.text_size + CODES} or more"
            )

    def ids_of(self, codes: Sequence[int] | Codes) -> Ids:
        """Return the ids of speech codes."""
        return np.asarray(codes, np.int64) + self.text_size

    def codes_of(self, ids: Sequence[int] | Ids) -> Codes:
        """Return the codes of ids; what is none falls out of their range, where checks find it."""
        return (np.asarray(ids, np.int64) - self.text_size).astype(np.int32)


STEP_AUDIO: Final = Vocabulary(65_536, 74_752)
"""The vocabulary of the released models."""
COMPACT: Final = Vocabulary(272, 5440)
"""For small students: the bytes of UTF-8 beside the codes."""


@dataclass(frozen=True, slots=True)
class Reference:
    """How a voice sounds: what it says, and its codes; errors call them by ``name``."""

    text: str
    codes: Codes
    name: str = "the reference"


@dataclass(frozen=True, slots=True)
class Example:
    """Ids to learn from, and which of them are to be foretold (bool ``[ids]``).

    Learnt are the codes of the last turn and its end; all else is prompt.
    """

    ids: Ids
    is_target: NDArray[np.bool_]


_EMOTION_WORDS: Mapping[str, str] = {
    Emotion.JOY: "高兴",
    Emotion.ANGER: "生气",
    Emotion.SADNESS: "悲伤",
    Emotion.CUTE: "撒娇",
}
"""The words of the released models; what they have no word for goes by our own name."""
_DIALECT_WORDS: Mapping[str, str] = {Dialect.CANTONESE: "粤语", Dialect.SICHUANESE: "四川话"}
_FIRST_DIALECTS = (Dialect.EN_US, Dialect.MANDARIN, Dialect.JAPANESE, Dialect.KOREAN)
"""What a text of a language is spoken in where nothing else is said."""
_STYLE_WORDS: Mapping[str, str] = {Style.RAP: "RAP", Style.SUNG: "哼唱"}


def tag_words(row: Mapping[str, Any]) -> str:
    """Return the tags of a prompt's columns as they stand before the text, such as ``(高兴2)``.

    Neutral plain speech at its own pace, in its language's first dialect, has none.
    """
    words = []
    if row["dialect"] not in _FIRST_DIALECTS:
        words.append(_DIALECT_WORDS.get(row["dialect"], row["dialect"]))
    if row["emotion"] != Emotion.NEUTRAL:
        words.append(f"{_EMOTION_WORDS.get(row['emotion'], row['emotion'])}{row['emotion_level']}")
    if row["style"] != Style.PLAIN:
        words.append(_STYLE_WORDS.get(row["style"], row["style"]))
    if row["speed_level"]:
        words.append(f"{'快速' if row['speed_level'] > 0 else '慢速'}{abs(row['speed_level'])}")
    return "".join(f"({word})" for word in words)


def edit_words(edit: Edit) -> str:
    """Return an edit's tag as it stands before the text that is edited, such as ``(高兴+)``.

    A tag of ``tag_words`` says how speech is to be; this one how it is to differ from the turn
    before.
    """
    if edit.what == SPEED:
        return "(快速+)" if edit.direction > 0 else "(慢速+)"
    word = _EMOTION_WORDS.get(edit.what) or _STYLE_WORDS.get(edit.what) or edit.what
    return f"({word}{'+' if edit.direction > 0 else '-'})"


def speech_prompt(
    tokenizer: TextTokenizer,
    vocabulary: Vocabulary,
    text: str,
    *,
    system: str,
    reference: Reference | None = None,
) -> Ids:
    """Return the ids after which a model is to speak ``text`` (its tags stand before it).

    ``system`` names the speaker. They end with the begun turn of the assistant. Raises
    ``InvalidCodesError`` where the reference's codes are not valid, or none.
    """
    encode = tokenizer.encode
    ids = [BOS, *turn_ids(encode("system\n"), encode(system))]
    if reference is not None:
        codes = spoken_ids(vocabulary, reference.codes, reference.name)
        ids += turn_ids(encode("human\n"), encode(reference.text))
        ids += turn_ids(encode("assistant\n"), codes.tolist())
    ids += turn_ids(encode("human\n"), encode(text))
    return np.asarray([*ids, BEGIN, *encode("assistant\n")], np.int64)


def reference_length(tokenizer: TextTokenizer, text: str, codes: int) -> int:
    """Return the ids that a reference with so many codes adds to a prompt."""
    encode = tokenizer.encode
    human = turn_ids(encode("human\n"), encode(text))
    return len(human) + len(turn_ids(encode("assistant\n"), [])) + codes


def spoken_ids(vocabulary: Vocabulary, codes: Sequence[int] | Codes, name: str) -> Ids:
    """Return the ids of speech that somebody is to hear.

    Raises ``InvalidCodesError``, which calls the codes by ``name``, where they are not valid, or
    none.
    """
    # Silence for an answer would teach to say nothing; for a reference, it has no voice.
    if not len(codes):
        raise InvalidCodesError(
            f"{name} has no codes; its recording is empty or shorter than one group ({GROUP_MS} ms)"
        )
    return vocabulary.ids_of(check_codes(codes, name))


def turn_ids(role: Sequence[int], content: Sequence[int]) -> list[int]:
    """Return the ids of a whole turn."""
    return [BEGIN, *role, *content, END]


def speech_example(
    prompt: Ids,
    vocabulary: Vocabulary,
    codes: Sequence[int] | Codes,
    name: str = "the answer",
) -> Example:
    """Return what to learn: a prompt, the codes that answer it and the end of the turn.

    Raises ``InvalidCodesError``, which calls the codes by ``name``, where they are not valid, or
    none.
    """
    answer = spoken_ids(vocabulary, codes, name)
    ids = np.concatenate([prompt, answer, [END]])
    return Example(ids, np.arange(len(ids)) >= len(prompt))
