"""Whose voices a checkpoint speaks with: a file of recordings, with leave to use each.

JSON Lines or a YAML list, one entry a recording::

    {"speaker": "ada", "dialect": "en-GB", "gender": "female", "licence": "CC-BY-4.0",
     "consent": "Ada Example, 3 May 2026, for synthetic corpora", "identity": "ada",
     "text": "The train was late again.", "codes": "<audio_17><audio_4><audio_1030>…",
     "audio": "ada.flac"}

``gender`` (unknown), ``identity`` (the speaker's own) and ``audio`` (the recording itself, from
which the decoder takes the timbre; relative to the file) may be left out, the last only of voices
that are not on offer in a corpus. ``codes`` are a list of
numbers or their text form. A second entry of a speaker with ``"style": "rap"`` or ``"sung"`` is how
that voice raps or sings: Step-Audio-TTS-3B takes its manner from the reference.

A voice without a licence or without consent is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from lauter.datasets.codes import Codes, check_codes, codes_from_text
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id, digest
from lauter.datasets.imports.json_lines import json_lines
from lauter.datasets.layout import Reference
from lauter.datasets.tags import Dialect, Style
from lauter.datasets.voices import Voice
from lauter.teacher.step_audio.suggestion import check_known

_NEEDED: Final = ("speaker", "dialect", "licence", "consent", "text", "codes")
_KEYS: Final = (*_NEEDED, "gender", "identity", "style", "audio")
_GENDERS: Final = ("female", "male", "unknown")
_NO_LEAVE: Final = frozenset(
    ("none", "no", "unknown", "noassertion", "n/a", "todo", "tbd", "?", "-")
)
_NO_ENTRY: Final = "this is no voice; begin it with '- speaker:'"
_MOST_FAULTS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """How a voice sounds in one style; ``audio`` is where the decoder finds its timbre."""

    reference: Reference
    audio: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class KnownVoice:
    """A voice and its recordings by style; it has one in ``plain``."""

    voice: Voice
    recordings: Mapping[str, Recording]

    def recording(self, style: str) -> Recording:
        """Return the recording in a style; raises ``UsageError`` where there is none."""
        if style not in self.recordings:
            raise UsageError(
                f"the voice '{self.voice.speaker}' has no recording in the style '{style}'; "
                "add one to the file of voices, or ask for another style"
            )
        return self.recordings[style]


def read_voices(path: Path) -> dict[str, KnownVoice]:
    """Return the voices of a file by speaker, in its order.

    Raises ``UsageError`` that has a sentence for each fault, with its line.
    """
    faults: list[str] = []
    found: dict[str, tuple[int, Voice, dict[str, Recording]]] = {}
    for line, entry in _entries(path):
        try:
            voice, style, recording = _read(entry, path.parent)
            first, other, recordings = found.setdefault(voice.speaker, (line, voice, {}))
            if voice != other:
                raise UsageError(
                    f"'{voice.speaker}' is told otherwise than in line {first}; correct one"
                )
            if style in recordings:
                raise UsageError(f"'{voice.speaker}' has two recordings in '{style}'; take one out")
            recordings[style] = recording
        except UsageError as error:
            faults.append(f"{path} line {line}: {error}")
    if not faults:
        faults = [
            f"{path} line {line}: '{voice.speaker}' has no recording in plain speech; add one"
            for line, voice, recordings in found.values()
            if Style.PLAIN not in recordings
        ]
    if not found and not faults:
        faults = [f"{path} has no voices; add one"]
    if faults:
        rest = len(faults) - _MOST_FAULTS
        more = [f"and {rest} more faults like these"] if rest > 0 else []
        raise UsageError("\n".join([*faults[:_MOST_FAULTS], *more]))
    return {
        speaker: KnownVoice(replace(voice, reference_digest=_digest(recordings)), recordings)
        for speaker, (_, voice, recordings) in found.items()
    }


def _digest(recordings: Mapping[str, Recording]) -> str:
    heard = {
        style: {
            "text": one.reference.text,
            "codes": one.reference.codes.tolist(),
            "audio": digest("lauter.audio.v1", one.audio.read_bytes()) if one.audio else "",
        }
        for style, one in recordings.items()
    }
    return content_id("lauter.recordings.v1", heard)


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    if path.suffix in (".yaml", ".yml"):
        return _yaml_entries(path)
    if path.suffix in (".jsonl", ".json", ".gz"):
        return json_lines(path)
    raise UsageError(f"{path} is no file of voices by its name; call it .jsonl or .yaml")


def _yaml_entries(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        whole = loader.get_single_node()
        if not isinstance(whole, yaml.SequenceNode):
            raise UsageError(f"{path} should be a list of voices; begin each with '- speaker:'")
        for node in whole.value:
            entry = loader.construct_object(node, deep=True)
            yield node.start_mark.line + 1, entry if isinstance(entry, dict) else _NO_ENTRY
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is no YAML in UTF-8 ({' '.join(str(error).split())})") from error


def _read(entry: dict[str, Any] | str, folder: Path) -> tuple[Voice, str, Recording]:
    if isinstance(entry, str):
        raise UsageError(entry)
    for key in entry:
        check_known(key, _KEYS, f"a voice has no key '{key}'")
    speaker = _text(entry, "speaker", "the voice")
    name = f"the voice '{speaker}'"
    dialect = _text(entry, "dialect", name)
    gender = entry.get("gender") or "unknown"
    style = entry.get("style") or Style.PLAIN.value
    check_known(dialect, tuple(Dialect), f"{name} speaks '{dialect}', which is no dialect")
    check_known(gender, _GENDERS, f"{name} has '{gender}', which is no gender here")
    check_known(style, tuple(Style), f"{name} has '{style}', which is no style")
    voice = Voice(
        speaker,
        dialect,
        gender,
        _leave(entry, "licence", name),
        _leave(entry, "consent", name),
        str(entry.get("identity") or speaker),
    )
    reference = Reference(_text(entry, "text", name), _codes(entry, name), name)
    return voice, style, Recording(reference, _audio(entry, folder, name))


def _text(entry: Mapping[str, Any], key: str, name: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name} has no {key}; give it one in words")
    return value.strip()


def _leave(entry: Mapping[str, Any], key: str, name: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or value.strip().casefold() in _NO_LEAVE | {""}:
        raise UsageError(
            f"{name} has no {key}, and nobody's voice is used without; get it and write it down, "
            "or take the voice out"
        )
    return value.strip()


def _codes(entry: Mapping[str, Any], name: str) -> Codes:
    value = entry.get("codes")
    if isinstance(value, str):
        codes = check_codes(codes_from_text(value), name)
    elif isinstance(value, list) and all(type(one) is int for one in value):
        codes = check_codes(value, name)
    else:
        raise UsageError(f"{name} has no codes; give them as numbers, or as <audio_0><audio_1>…")
    if not len(codes):
        raise UsageError(f"{name} has no codes; encode its recording with the checkpoint's codec")
    return codes


def _audio(entry: Mapping[str, Any], folder: Path, name: str) -> Path | None:
    value = entry.get("audio")
    if value is None:
        return None
    if not isinstance(value, str) or not (folder / value).is_file():
        raise UsageError(f"{name} has its audio in {value}, where no file is; correct the path")
    return folder / value
