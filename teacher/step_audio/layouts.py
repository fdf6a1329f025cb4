"""Prompts of Step-Audio's checkpoints as ids: from a request and a reference to what to go on from.

| layout | checkpoint | turns |
|---|---|---|
| ``tts_3b`` | Step-Audio-TTS-3B | system, human + assistant: reference, human: tags, text |
| ``editx_clone`` | Step-Audio-EditX | system: name, reference text and codes, human: text |
| ``aqaa`` | Step-Audio-AQAA | system, perhaps a reference, human: request to say the text |
| ``continuation`` | a 130B one | system, human: reference text, text, assistant: its codes … |
| ``student`` | ours | system: name, or a reference as in ``tts_3b``, human: tags, text |

Each ends with the begun turn of the assistant; ``edit_layout.py`` has EditX's edits. Wordings apart
(``templates.py``), the first is the released code's id for id (``stepfun-ai/Step-Audio:tts.py``),
and EditX's is that of its chat template (``stepfun-ai/Step-Audio-EditX:tts.py``).

What is known of AQAA (arXiv 2506.08967, model card): it is asked in speech or text and answers in
text and codes by turns, in the vocabulary of the others. No code was published for it, no prompt
for reading aloud, and no way to give it a voice. So it is asked in the turns of a dialogue, its
answer is parted with ``parted``, and a reference merely shows how an earlier answer sounded. The
130B checkpoint was not released; of its prompt the paper names the parts and their order (arXiv
2502.11946, section 5.1.1), the turns around them are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from lauter.datasets.codes import CODES_PER_S, GROUP
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.layout import (
    BEGIN,
    BOS,
    END,
    STEP_AUDIO,
    Ids,
    Reference,
    Vocabulary,
    speech_prompt,
    spoken_ids,
    tag_words,
    turn_ids,
)
from lauter.datasets.records import Prompt, Request
from lauter.datasets.speech_length import LEAST_LIMIT_S, most_codes
from lauter.datasets.tags import Dialect, Style
from lauter.datasets.text_tokens import TextTokenizer
from lauter.teacher.step_audio.abilities import check_asked
from lauter.teacher.step_audio.tags import read_tags, released_tags
from lauter.teacher.step_audio.templates import Filling, Wordings

CONTEXT: Final = 8192
"""Ids of prompt and answer together in the released code; TTS-3B itself was built for 32,768."""

_SUNG_SLOWER: Final = 2
_WRITTEN_PER_TEXT: Final = 2
"""How many times the asked-for text AQAA may write beside its speech."""
_EDITX_DIALECTS: Final = {Dialect.CANTONESE: "[Cantonese]", Dialect.SICHUANESE: "[Sichuanese]"}
"""Before the text, as EditX was taught."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenPrompt:
    """Ids to go on from, until one of ``stop_ids`` or ``max_tokens`` ids, the stop id included."""

    ids: Ids
    stop_ids: tuple[int, ...]
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a checkpoint is asked to speak: the layout of ``wordings`` in the ids of ``tokenizer``.

    ``context`` is the most ids that prompt and answer may have together.
    """

    tokenizer: TextTokenizer
    wordings: Wordings
    vocabulary: Vocabulary = STEP_AUDIO
    context: int = CONTEXT

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for wordings of another kind of layout."""
        if self.wordings.layout not in _WRITERS:
            raise UsageError(
                f"'{self.wordings.layout}' is no layout to speak in; choose {', '.join(_WRITERS)}"
            )

    def prompt(self, request: Request, reference: Reference | None = None) -> TokenPrompt:
        """Return what to ask for ``request`` in the voice of ``reference``.

        ``aqaa`` and ``student`` go without a reference as well. Raises ``UsageError`` for what the
        checkpoint was not taught, for a text that spells out tags or pieces of control, and where
        the context has no room; ``InvalidCodesError`` for a reference whose codes are not valid, or
        none.
        """
        asked = request.prompt
        ids = _WRITERS[self.wordings.layout](self, asked, reference)
        most = most_codes(asked.text, asked.speed_level)
        if asked.style == Style.SUNG:
            most *= _SUNG_SLOWER
        if self.wordings.layout == "aqaa":
            most += _WRITTEN_PER_TEXT * len(self.tokenizer.encode(asked.text))
        return bounded(ids, most, self.context)

    def fingerprint(self) -> str:
        """Return a digest of all that decides the ids of a prompt and their bounds."""
        return layout_fingerprint(self.tokenizer, self.wordings, self.vocabulary, self.context)


def layout_fingerprint(
    tokenizer: TextTokenizer, wordings: Wordings, vocabulary: Vocabulary, context: int
) -> str:
    """Return the digest of a layout: of its tokenizer, wordings, vocabulary and context."""
    return content_id(
        "lauter.layout.v1",
        {
            "layout": wordings.layout,
            "tokenizer": tokenizer.fingerprint(),
            "wordings": dict(wordings.texts),
            "vocabulary": [vocabulary.text_size, vocabulary.size],
            "context": context,
        },
    )


def bounded(ids: list[int], most_ids: int, context: int) -> TokenPrompt:
    """Return the prompt of ``ids`` with room for ``most_ids`` and an end, as far as there is any.

    Raises ``UsageError`` where the context has no room for two seconds.
    """
    room = context - len(ids)
    if room < LEAST_LIMIT_S * CODES_PER_S:
        raise UsageError(
            f"the text makes {len(ids)} ids with all that stands before it, and the context is "
            f"{context}, speech included; cut the text into sentences or take a shorter reference"
        )
    wanted = -(-most_ids // GROUP) * GROUP + 1
    return TokenPrompt(np.asarray(ids, np.int64), (END,), min(wanted, room))


def dialogue_ids(
    tokenizer: TextTokenizer,
    vocabulary: Vocabulary,
    system: Sequence[Filling],
    human: Sequence[Filling],
    name: str,
) -> list[int]:
    """Return the ids of a turn of the system, one of the human and the assistant's begun turn.

    Contents are text and speech in their order; errors call the speech by ``name``.
    """
    ids = [BOS]
    for role, content in (("system\n", system), ("human\n", human)):
        parts = (
            tokenizer.encode(part)
            if isinstance(part, str)
            else spoken_ids(vocabulary, part, name).tolist()
            for part in content
        )
        ids += turn_ids(tokenizer.encode(role), [one for part in parts for one in part])
    return [*ids, BEGIN, *tokenizer.encode("assistant\n")]


def parted(ids: Ids, vocabulary: Vocabulary = STEP_AUDIO) -> tuple[Ids, Ids]:
    """Return the ids of speech and those of text in an answer of AQAA, each in their order."""
    is_speech = ids >= vocabulary.text_size
    return ids[is_speech], ids[~is_speech]


def _write_tts_3b(layout: Layout, prompt: Prompt, reference: Reference | None) -> list[int]:
    check_asked("tts_3b", prompt)
    wording = {Style.RAP: "rap", Style.SUNG: "sung"}.get(Style(prompt.style), "system")
    return _two_turns(
        layout,
        released_tags(prompt) + _untagged(prompt.text),
        layout.wordings[wording].text(speaker=prompt.speaker),
        _shown(layout, reference),
    )


def _write_student(layout: Layout, prompt: Prompt, reference: Reference | None) -> list[int]:
    wording = "named" if reference is None else "shown"
    return _two_turns(
        layout,
        tag_words(asdict(prompt)) + _untagged(prompt.text),
        layout.wordings[wording].text(speaker=prompt.speaker),
        reference,
    )


def _write_aqaa(layout: Layout, prompt: Prompt, reference: Reference | None) -> list[int]:
    check_asked("aqaa", prompt)
    pace = "fast" if prompt.speed_level > 0 else "slow" if prompt.speed_level else "even"
    words = {
        place: layout.wordings[key].text()
        for place, key in (("dialect", prompt.dialect), ("emotion", prompt.emotion), ("pace", pace))
    }
    return _two_turns(
        layout,
        layout.wordings["human"].text(text=prompt.text, **words),
        layout.wordings["system"].text(speaker=prompt.speaker),
        reference,
    )


def _two_turns(layout: Layout, text: str, system: str, reference: Reference | None) -> list[int]:
    ids: list[int] = speech_prompt(
        layout.tokenizer, layout.vocabulary, text, system=system, reference=reference
    ).tolist()
    return ids


def _write_editx_clone(layout: Layout, prompt: Prompt, reference: Reference | None) -> list[int]:
    check_asked("editx_clone", prompt)
    shown = _shown(layout, reference)
    voice = layout.wordings["system"].filled(
        speaker=prompt.speaker, reference_text=shown.text, reference_codes=shown.codes
    )
    text = _EDITX_DIALECTS.get(Dialect(prompt.dialect), "") + prompt.text
    return dialogue_ids(layout.tokenizer, layout.vocabulary, voice, [text], shown.name)


def _write_continuation(layout: Layout, prompt: Prompt, reference: Reference | None) -> list[int]:
    check_asked("continuation", prompt)
    shown = _shown(layout, reference)
    system = layout.wordings["system"].filled(speaker=prompt.speaker)
    texts = layout.wordings["human"].filled(reference_text=shown.text, text=prompt.text)
    ids = dialogue_ids(layout.tokenizer, layout.vocabulary, system, texts, shown.name)
    return [*ids, *spoken_ids(layout.vocabulary, shown.codes, shown.name).tolist()]


_WRITERS: Final[Mapping[str, Callable[[Layout, Prompt, Reference | None], list[int]]]] = {
    "tts_3b": _write_tts_3b,
    "editx_clone": _write_editx_clone,
    "aqaa": _write_aqaa,
    "continuation": _write_continuation,
    "student": _write_student,
}


def _shown(layout: Layout, reference: Reference | None) -> Reference:
    if reference is None:
        raise UsageError(
            f"{layout.wordings.layout} speaks in the voice of a reference; give the voice one"
        )
    return reference


def _untagged(text: str) -> str:
    if read_tags(text)[1] != text:
        raise UsageError(
            f"the text '{text[:20]}' begins with a tag, which would be taken for an order; move it "
            "into the prompt's columns"
        )
    return text
