"""Prompts of every layout, written down id by id beside their pieces.

The wordings are the tests' own, so that the goldens hold the layouts and not our prose.
`PYTHONPATH=tests/support python tests/support/golden_prompts.py` writes the file anew; read what
changed before it is kept.
"""

from collections.abc import Iterator

import numpy as np
from sentencepiece import SentencePieceProcessor
from small_sentencepiece import KEPT, PROMPTS

from lauter.datasets.layout import END, STEP_AUDIO, Reference
from lauter.datasets.records import Prompt, Request
from lauter.teacher.step_audio.edit_layout import EditLayout
from lauter.teacher.step_audio.edits import Edit, EditKind
from lauter.teacher.step_audio.layouts import Layout, TokenPrompt
from lauter.teacher.step_audio.sentencepiece_tokenizer import SentencePieceTokenizer
from lauter.teacher.step_audio.templates import PLACES, Wordings, parse_wordings

GOLDENS = PROMPTS / "goldens.txt"
REFERENCE = Reference("你好。", np.asarray([1, 2, 1027, 1028, 1029], np.int32))
TEXTS = {
    "tts_3b": {"system": "Read the text.", "rap": "Say it fast.", "sung": "Sing."},
    "editx_clone": {"system": "Voice {speaker}\n{reference_text}\n{reference_codes}\nPlease.\n"},
    "editx_edit": {
        "system": "Make this speech happier.\n",
        "human": "{instruction}\n{codes}\n",
        "emotion": "{value}: {text}\n",
        "style": "{value}: {text}\n",
    },
    "aqaa": {
        "system": "Say the text.",
        "human": "Say in {dialect}, {emotion}, {pace}: {text}",
        "ja-JP": "Japanese",
        "joy": "happy",
        "slow": "slow",
    },
    "continuation": {"system": "Read.", "human": "{reference_text}\n{text}"},
    "student": {"named": "{speaker}", "shown": ""},
}


def wordings(layout: str) -> Wordings:
    """Return the tests' wordings of a layout."""
    places = PLACES[layout]
    rest = {name: "".join(f"{{{place}}}" for place in places[name]) for name in places}
    return parse_wordings(layout, rest | TEXTS[layout], "the tests")


def small_tokenizer() -> SentencePieceTokenizer:
    """Return the tokenizer of the kept model."""
    return SentencePieceTokenizer.read(KEPT)


def request(text: str, language: str, dialect: str, **columns: object) -> Request:
    """Return a request of Ada's."""
    told = {"speaker": "Ada"} | columns
    return Request(Prompt(text, language, dialect, **told), "t", "f", 0)  # type: ignore[arg-type]


def golden_prompts() -> Iterator[tuple[str, TokenPrompt]]:
    """Yield each prompt that is written down, with what it is."""
    tokenizer = small_tokenizer()
    layouts = {name: Layout(tokenizer, wordings(name)) for name in TEXTS if name != "editx_edit"}
    for title, name, asked, reference in (
        ("plain speech", "tts_3b", request("今天天气很好。", "zh", "cmn"), REFERENCE),
        (
            "Cantonese, joy 2",
            "tts_3b",
            request("今日天气好好。", "zh", "yue", emotion="joy", emotion_level=2),
            REFERENCE,
        ),
        ("rap", "tts_3b", request("走在路上。", "zh", "cmn", style="rap"), REFERENCE),
        ("British, slow 1", "tts_3b", request(" Hello.", "en", "en-GB", speed_level=-1), REFERENCE),
        ("Sichuanese", "editx_clone", request("今天天气很好。", "zh", "sichuan"), REFERENCE),
        (
            "Japanese, joy 1, slow 1",
            "aqaa",
            request("いい天気。", "ja", "ja-JP", emotion="joy", emotion_level=1, speed_level=-1),
            None,
        ),
        ("plain speech", "continuation", request("今天天气很好。", "zh", "cmn"), REFERENCE),
        (
            "by name, fear 5",
            "student",
            request("The sun is shining.", "en", "en-US", emotion="fear", emotion_level=5),
            None,
        ),
        ("shown", "student", request("The sun is shining.", "en", "en-US"), REFERENCE),
    ):
        yield f"{name}: {title}", layouts[name].prompt(asked, reference)
    editing = EditLayout(tokenizer, wordings("editx_edit"))
    for edit in (
        Edit(EditKind.EMOTION, "happy"),
        Edit(EditKind.STYLE, "act_coy"),
        Edit(EditKind.SPEED, "slower"),
    ):
        yield f"editx_edit: {edit.kind} {edit.value}", editing.prompt(REFERENCE, edit)


def pieces(prompt: TokenPrompt) -> list[str]:
    """Return the piece of each id of a prompt."""
    known = SentencePieceProcessor(model_file=str(KEPT))
    return [
        known.id_to_piece(one) if one < STEP_AUDIO.text_size else f"<audio_{one - 65_536}>"
        for one in prompt.ids.tolist()
    ]


def as_text() -> str:
    """Return what stands in the file: a turn a line, an id and its piece at a time."""
    lines = []
    for title, prompt in golden_prompts():
        lines.append(f"# {title}")
        turn: list[str] = []
        for one, piece in zip(prompt.ids.tolist(), pieces(prompt), strict=True):
            turn.append(f"{one} {piece}")
            if one == END:
                lines.append("  ".join(turn))
                turn = []
        lines.append("  ".join(turn))
        lines += [f"stops at {prompt.stop_ids}, at most {prompt.max_tokens}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    GOLDENS.write_text(as_text(), encoding="utf-8")
