"""Edits of Step-Audio-EditX as ids: system, human (instruction and codes), begun assistant.

The order and the line ends are those of its chat template (``stepfun-ai/Step-Audio-EditX:tts.py``),
the wordings are in ``wordings/editx_edit.yaml``. (The first release had a space before the
instruction; the template that came later has none.) An emotion or style grows with every pass over
what the last one gave. Users of the released model heard it speak its instruction now and then:
hold edited speech against its text.
"""

from dataclasses import dataclass

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import STEP_AUDIO, Reference, Vocabulary
from lauter.datasets.speech_length import most_codes
from lauter.datasets.text_tokens import TextTokenizer
from lauter.teacher.step_audio.edits import Edit
from lauter.teacher.step_audio.layouts import (
    CONTEXT,
    TokenPrompt,
    bounded,
    dialogue_ids,
    layout_fingerprint,
)
from lauter.teacher.step_audio.templates import Wordings

_LONGER = 3
"""How many times as long as its source edited speech may be."""


@dataclass(frozen=True, slots=True)
class EditLayout:
    """How EditX is asked to change speech; ``context`` as in ``Layout``."""

    tokenizer: TextTokenizer
    wordings: Wordings
    vocabulary: Vocabulary = STEP_AUDIO
    context: int = CONTEXT

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for wordings of another layout."""
        if self.wordings.layout != "editx_edit":
            raise UsageError(f"'{self.wordings.layout}' is no layout to edit in; choose editx_edit")

    def prompt(self, source: Reference, edit: Edit) -> TokenPrompt:
        """Return what to ask for an ``edit`` of ``source``, speech with what it says.

        Raises ``UsageError`` for a text that spells out pieces of control, and where the context
        has no room; ``InvalidCodesError`` for a source whose codes are not valid, or none.
        """
        told = self.wordings[edit.kind].text(value=edit.value, text=source.text.strip())
        turn = self.wordings["human"].filled(instruction=told, codes=source.codes)
        system = self.wordings["system"].filled()
        ids = dialogue_ids(self.tokenizer, self.vocabulary, system, turn, source.name)
        most = max(_LONGER * len(source.codes), most_codes(source.text))
        return bounded(ids, most, self.context)

    def fingerprint(self) -> str:
        """Return a digest of all that decides the ids of a prompt and their bounds."""
        return layout_fingerprint(self.tokenizer, self.wordings, self.vocabulary, self.context)
