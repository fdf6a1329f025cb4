"""What each Step-Audio checkpoint can be asked for.

| layout | dialects | emotions, highest level | speed | style |
|---|---|---|---|---|
| ``tts_3b`` | all | joy 2, anger 2, sadness 1, cute 1 | 2 | rap, sung |
| ``editx_clone`` | English, Mandarin, Cantonese, Sichuanese | – | – | – |
| ``editx`` | the same | joy, sadness, anger, fear, cute 3 | 2 | – |
| ``aqaa`` | all but Korean | joy, sadness, anger 1 | 1 | – |
| ``continuation`` | all | – | – | – |

A level is never said by another one's word: what a checkpoint has no word for is refused at
planning. For ``tts_3b`` levels are its own (``tags.py``). ``editx`` clones neutral speech and edits
it, so each is a pass more (``edits.py``). ``aqaa`` is told in words of which none is stronger than
another. A continuation has the manner of the speech that it goes on from and cannot be told
another. British English has no word of its own and comes with the reference, except for ``aqaa``,
which can be told.

Sources: ``stepfun-ai/Step-Audio:tts.py``, ``stepfun-ai/Step-Audio-EditX:README.md``, the model card
of ``stepfun-ai/Step-Audio-AQAA``, arXiv 2502.11946 (section 5.1.1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Dialect, Emotion, Style
from lauter.datasets.voices import Voice
from lauter.teacher.protocol import Capabilities, refusal
from lauter.teacher.step_audio.edits import EDITED_EMOTIONS, MOST_PASSES, MOST_SPEED

_EDITX: Final = (
    Dialect.EN_US,
    Dialect.EN_GB,
    Dialect.MANDARIN,
    Dialect.CANTONESE,
    Dialect.SICHUANESE,
)
_DIALECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "tts_3b": tuple(Dialect),
    "editx_clone": _EDITX,
    "editx": _EDITX,
    "aqaa": tuple(one for one in Dialect if one != Dialect.KOREAN),
    "continuation": tuple(Dialect),
}
_NEUTRAL: Final = {Emotion.NEUTRAL.value: 0}
_ASKED: Final[Mapping[str, Capabilities]] = {
    "tts_3b": Capabilities(
        voices=(),
        emotion_levels=_NEUTRAL | {"joy": 2, "anger": 2, "sadness": 1, "cute": 1},
        speed_levels={"fast": 2, "slow": 2},
        styles=(Style.PLAIN.value, Style.RAP.value, Style.SUNG.value),
        cloning=True,
        codes=True,
        sampled=True,
    ),
    "editx_clone": Capabilities(voices=(), cloning=True, codes=True, sampled=True),
    "editx": Capabilities(
        voices=(),
        emotion_levels=_NEUTRAL | {one.value: MOST_PASSES for one in EDITED_EMOTIONS},
        speed_levels={"fast": MOST_SPEED, "slow": MOST_SPEED},
        cloning=True,
        editing=True,
        edits_parents=True,
        codes=True,
        sampled=True,
    ),
    "aqaa": Capabilities(
        voices=(),
        emotion_levels=_NEUTRAL | {"joy": 1, "sadness": 1, "anger": 1},
        speed_levels={"fast": 1, "slow": 1},
        codes=True,
        sampled=True,
    ),
    "continuation": Capabilities(voices=(), cloning=True, codes=True, sampled=True),
}
LAYOUTS: Final = tuple(_ASKED)
"""The layouts of released checkpoints."""


def capabilities(layout: str, voices: Iterable[Voice]) -> Capabilities:
    """Return what can be asked of a checkpoint in ``layout`` (the table above) with ``voices``.

    Voices of dialects that the checkpoint was not taught are left out. Raises ``UsageError`` where
    none is left, and for a layout that is not in the table: a student knows itself what it learnt.
    """
    if layout not in _ASKED:
        raise UsageError(
            f"what the layout '{layout}' can be asked for is not known; it is for {_listed(_ASKED)}"
        )
    spoken = _DIALECTS[layout]
    able = tuple(voice for voice in voices if voice.dialect in spoken)
    if not able:
        raise UsageError(
            f"none of the voices speaks a dialect that {layout} can ({_listed(spoken)}); "
            "add one to the file of voices"
        )
    return replace(_ASKED[layout], voices=able)


def check_asked(layout: str, prompt: Prompt) -> None:
    """Raise ``UsageError`` where a checkpoint in ``layout`` cannot be asked for ``prompt``."""
    anybody = tuple(Voice(prompt.speaker, one, "", "", "") for one in _DIALECTS[layout])
    reason = refusal(replace(_ASKED[layout], voices=anybody), layout, prompt)
    if reason:
        raise UsageError(reason)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(str(name) for name in names)
