"""Edits of speech that is there already, whoever spoke it: what each does, and to what it applies.

Levels of emotion and pace are asked for in prompts (``edit.py``). These are the other edits that an
Audio-Edit model learns (Step-Audio-EditX, arXiv 2511.03601): taking an emotion or a style back,
noise and silence in and out, sounds between words.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Final

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.lineage import EDITOR, UNDONE, Derivation
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Emotion, Sound, Style
from lauter.teacher.edit.inverse import without_emotion, without_style
from lauter.teacher.edit.level import SILENCE_DBFS, active_level
from lauter.teacher.edit.noise import with_noise, without_noise
from lauter.teacher.edit.pauses import with_silence, without_silence
from lauter.teacher.edit.sounds import tagged, with_sound
from lauter.teacher.edit.world import analyse, check_length, synthesise

VERSION: Final = 1
"""Raise it with every change of these edits that changes what is heard."""
NOISE_DB: Final = 15.0
SILENCE_S: Final = 0.6

_SOUNDS: Final[Mapping[Derivation, Sound]] = {
    Derivation.BREATHING: Sound.BREATHING,
    Derivation.LAUGHTER: Sound.LAUGHTER,
    Derivation.PAUSE: Sound.PAUSE,
}


def fingerprint(derivation: Derivation) -> str:
    """Return a digest of all that decides the sound of an edit, but the speech and the seed."""
    editor = {
        "teacher": EDITOR,
        "version": VERSION,
        "edit": derivation.value,
        "pyworld": metadata.version("pyworld"),
    }
    return content_id("lauter.teacher.v1", editor)


def derived(
    samples: Samples, sample_rate: int, prompt: Prompt, derivation: Derivation, seed: int
) -> Samples:
    """Return edited speech, float32 ``[samples]``; ``prompt`` is what ``samples`` were asked for.

    Pure. Raises ``UsageError`` for speech that is too short or silent throughout.
    """
    _check(samples, sample_rate)
    match derivation:
        case Derivation.REMOVE_EMOTION:
            frames = analyse(samples, sample_rate)
            return synthesise(without_emotion(frames, prompt.emotion, prompt.emotion_level), seed)
        case Derivation.REMOVE_STYLE:
            frames = without_style(analyse(samples, sample_rate), prompt.language)
            return synthesise(frames, seed)
        case Derivation.NOISE:
            return with_noise(samples, sample_rate, NOISE_DB, seed)
        case Derivation.DENOISE:
            return without_noise(samples, sample_rate)
        case Derivation.SILENCE:
            return with_silence(samples, sample_rate, SILENCE_S)
        case Derivation.TRIM_SILENCE:
            return without_silence(samples, sample_rate)
    return with_sound(samples, sample_rate, prompt.text, _SOUNDS[derivation], seed)


def derived_prompt(prompt: Prompt, derivation: Derivation, seed: int) -> Prompt:
    """Return what edited speech answers to: its tags say what it is now, its text what is heard."""
    if derivation == Derivation.REMOVE_EMOTION:
        return replace(prompt, emotion=Emotion.NEUTRAL.value, emotion_level=0)
    if derivation == Derivation.REMOVE_STYLE:
        return replace(prompt, style=Style.PLAIN.value)
    if derivation in _SOUNDS:
        return replace(prompt, text=tagged(prompt.text, _SOUNDS[derivation], seed))
    return prompt


def applies(prompt: Prompt, derivation: Derivation, edit: str | None, *, found: bool) -> bool:
    """Whether an edit does anything to speech that was made by ``edit`` (None: by none).

    ``found`` says that it was recorded elsewhere, where noise and silence may be in it already. An
    emotion can be taken back from plain speech, where pitch and pace are its own. What was edited
    here is edited further only to take back what is still in it, so that edits do not multiply.
    """
    is_derived = edit in set(Derivation)
    match derivation:
        case Derivation.REMOVE_EMOTION:
            is_fit = not is_derived or edit == Derivation.REMOVE_STYLE
            return is_fit and prompt.emotion != Emotion.NEUTRAL and prompt.style == Style.PLAIN
        case Derivation.REMOVE_STYLE:
            return not is_derived and prompt.style != Style.PLAIN
        case Derivation.DENOISE | Derivation.TRIM_SILENCE:
            return found or edit == UNDONE[derivation]
    return not is_derived


def _check(samples: Samples, sample_rate: int) -> None:
    check_length(samples, sample_rate)
    if active_level(samples, sample_rate) <= SILENCE_DBFS:
        raise UsageError("the recording is silent throughout; give speech to be edited")
