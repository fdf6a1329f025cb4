"""The speaker book: a file of voices with their recordings, and leave to use each.

JSON Lines or a YAML list, one entry a recording::

    {"speaker": "ada", "dialect": "en-GB", "gender": "female", "licence": "CC-BY-4.0",
     "consent": "Ada Example, 3 May 2026, for synthetic corpora", "identity": "ada",
     "owner": "Ada Example", "allowed_uses": ["research", "internal"], "expires": "2028-05-03",
     "text": "The train was late again.", "audio": "ada.flac", "codes": "<audio_17><audio_4>…"}

``speaker``, ``dialect``, ``licence``, ``consent`` and ``text`` are needed, and of ``audio`` (a
file, relative to the book's) and ``codes`` (numbers or their text form, for checkpoints that clone
from codes) at least one. ``dialects`` lists those that the voice may be asked to speak beside its
own. A further entry of a speaker is another recording of it, with ``"style": "rap"`` or ``"sung"``
one of how it raps or sings; what it says of the voice must be the same. The first recording of a
style is the one that is cloned from. A voice that is ``made_of`` others needs no recording.

A voice without a licence or without consent is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from lauter.datasets.audio import audio_digest
from lauter.datasets.codes import Codes, check_codes, codes_from_text
from lauter.datasets.consent import checked_day, uses_of
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.imports.json_lines import json_lines
from lauter.datasets.suggestion import check_known
from lauter.datasets.tags import Dialect, Style
from lauter.datasets.voices import Voice

_NEEDED: Final = ("speaker", "dialect", "licence", "consent")
_KEYS: Final = (
    *_NEEDED, "text", "codes", "audio", "gender", "identity", "style", "dialects", "owner",
    "allowed_uses", "expires", "made_of",
)  # fmt: skip
_GENDERS: Final = ("female", "male", "unknown")
_NO_LEAVE: Final = frozenset(
    ("none", "no", "unknown", "noassertion", "n/a", "todo", "tbd", "?", "-")
)
_NO_ENTRY: Final = "this is no voice; begin it with '- speaker:'"
_MOST_FAULTS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What a voice says in a recording, in which style, as sound, as codes or as both."""

    text: str
    style: str = Style.PLAIN.value
    audio: Path | None = None
    codes: Codes | None = None

    @property
    def content(self) -> dict[str, object]:
        """What it says, and what is heard, the sound by its digest."""
        return {
            "text": self.text,
            "codes": [] if self.codes is None else self.codes.tolist(),
            "audio": audio_digest(self.audio.read_bytes()) if self.audio else "",
        }


@dataclass(frozen=True, slots=True, eq=False)
class KnownVoice:
    """A voice of the book, the dialects that it may be asked to speak, and its recordings."""

    voice: Voice
    dialects: tuple[str, ...]
    recordings: tuple[Recording, ...]

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The voice in each of its dialects, its own first."""
        return tuple(replace(self.voice, dialect=dialect) for dialect in self.dialects)

    def recording(self, style: str) -> Recording:
        """Return the recording to clone in a style; raises ``UsageError`` where there is none."""
        for one in self.recordings:
            if one.style == style:
                return one
        raise UsageError(
            f"the voice '{self.voice.speaker}' has no recording in the style '{style}'; "
            "add one to the file of voices, or ask for another style"
        )


def read_book(path: Path) -> dict[str, KnownVoice]:
    """Return the voices of a book by speaker, in its order.

    Raises ``UsageError`` that has a sentence for each fault, with its line.
    """
    faults: list[str] = []
    found: dict[str, tuple[int, KnownVoice]] = {}
    for line, entry in _entries(path):
        try:
            new = _known(entry, path.parent)
            first, known = found.setdefault(new.voice.speaker, (line, new))
            if known is not new:
                found[new.voice.speaker] = first, _joined(known, new, first)
        except UsageError as error:
            faults.append(f"{path} line {line}: {error}")
    if not faults:
        faults = [
            f"{path} line {line}: '{known.voice.speaker}' has no recording in plain speech; add one"
            for line, known in found.values()
            if not known.voice.made_of and all(one.style != Style.PLAIN for one in known.recordings)
        ]
    if not found and not faults:
        faults = [f"{path} has no voices; add one"]
    if faults:
        rest = len(faults) - _MOST_FAULTS
        more = [f"and {rest} more faults like these"] if rest > 0 else []
        raise UsageError("\n".join([*faults[:_MOST_FAULTS], *more]))
    return {speaker: _digested(known) for speaker, (_, known) in found.items()}


def check_told(entry: Mapping[str, Any], book: Mapping[str, KnownVoice]) -> None:
    """Raise ``UsageError`` for an entry that cannot join a book, whatever its recording is."""
    voice, dialects = _told(entry)
    known = book.get(voice.speaker)
    if known and (different := _different(known, voice, dialects)):
        raise UsageError(
            f"'{voice.speaker}' is told otherwise in the book already ({different}); correct one"
        )


def _joined(known: KnownVoice, new: KnownVoice, first: int) -> KnownVoice:
    """Return a voice with another of its recordings."""
    speaker = known.voice.speaker
    if different := _different(known, new.voice, new.dialects):
        raise UsageError(
            f"'{speaker}' is told otherwise than in line {first} ({different}); correct one"
        )
    heard = [(one.style, one.content) for one in known.recordings]
    if any((one.style, one.content) in heard for one in new.recordings):
        raise UsageError(f"'{speaker}' has the same recording twice; take one out")
    return replace(known, recordings=(*known.recordings, *new.recordings))


def _different(known: KnownVoice, voice: Voice, dialects: tuple[str, ...]) -> str:
    """Return the keys, in words, under which a voice is told otherwise than it is known."""
    before, after = asdict(known.voice), asdict(voice)
    names = [name for name in after if name != "reference_digest" and before[name] != after[name]]
    others = ["dialects"] if known.dialects[1:] != dialects[1:] else []
    return ", ".join(names + others)


def _digested(known: KnownVoice) -> KnownVoice:
    """Return a voice that is known by the recordings that it may be cloned from."""
    styles = dict.fromkeys(one.style for one in known.recordings)
    if not styles:
        return known
    heard = {style: known.recording(style).content for style in styles}
    digest = content_id("lauter.recordings.v1", heard)
    return replace(known, voice=replace(known.voice, reference_digest=digest))


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
            yield node.start_mark.line + 1, _yaml_entry(loader, node)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is no YAML in UTF-8 ({' '.join(str(error).split())})") from error


def _yaml_entry(loader: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any] | str:
    try:
        entry = loader.construct_object(node, deep=True)
    except ValueError as error:  # YAML takes 2028-02-30 for a date, and Python has no such day
        return f"this voice has a date or a number that cannot be ({error}); correct it"
    return entry if isinstance(entry, dict) else _NO_ENTRY


def _known(entry: dict[str, Any] | str, folder: Path) -> KnownVoice:
    if isinstance(entry, str):
        raise UsageError(entry)
    voice, dialects = _told(entry)
    return KnownVoice(voice, dialects, _recordings(entry, folder, f"the voice '{voice.speaker}'"))


def _told(entry: Mapping[str, Any]) -> tuple[Voice, tuple[str, ...]]:
    """Return what an entry says of the voice itself, and the dialects that it speaks."""
    for key in entry:
        check_known(key, _KEYS, f"a voice has no key '{key}'")
    speaker = _text(entry, "speaker", "the voice")
    name = f"the voice '{speaker}'"
    dialect = _text(entry, "dialect", name)
    gender = entry.get("gender") or "unknown"
    others = _words(entry, "dialects", name)
    for one in (dialect, *others):
        check_known(one, tuple(Dialect), f"{name} speaks '{one}', which is no dialect")
    check_known(gender, _GENDERS, f"{name} has '{gender}', which is no gender here")
    voice = Voice(
        speaker,
        dialect,
        gender,
        _leave(entry, "licence", name),
        _leave(entry, "consent", name),
        str(entry.get("identity") or speaker),
        owner=str(entry.get("owner") or ""),
        allowed_uses=uses_of(_words(entry, "allowed_uses", name), f"allowed_uses of {name}"),
        expires=checked_day(str(entry.get("expires") or ""), f"expires of {name}"),
        made_of=_words(entry, "made_of", name),
    )
    if speaker in voice.made_of:
        raise UsageError(f"{name} is made of itself; name the other voices in made_of")
    return voice, tuple(dict.fromkeys((dialect, *others)))


def _recordings(entry: Mapping[str, Any], folder: Path, name: str) -> tuple[Recording, ...]:
    """Return the recording of an entry; one that is made of others may have none."""
    if entry.get("made_of") and not any(entry.get(key) for key in ("text", "codes", "audio")):
        return ()
    style = entry.get("style") or Style.PLAIN.value
    check_known(style, tuple(Style), f"{name} has '{style}', which is no style")
    text = _text(entry, "text", name)
    audio, codes = _audio(entry, folder, name), _codes(entry, name)
    if audio is None and codes is None:
        raise UsageError(
            f"{name} has no recording; give the sound as audio, or codes as numbers or as "
            "<audio_0><audio_1>…"
        )
    return (Recording(text, style, audio, codes),)


def _text(entry: Mapping[str, Any], key: str, name: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name} has no {key}; give it one in words")
    return value.strip()


def _words(entry: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
    value = entry.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{name} has {value!r} as {key}; give a list of words")
    return tuple(value)


def _leave(entry: Mapping[str, Any], key: str, name: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or value.strip().casefold() in _NO_LEAVE | {""}:
        raise UsageError(
            f"{name} has no {key}, and nobody's voice is used without; get it and write it down, "
            "or take the voice out"
        )
    return value.strip()


def _codes(entry: Mapping[str, Any], name: str) -> Codes | None:
    value = entry.get("codes")
    if value is None:
        return None
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
