"""Reads a folder of songs: audio, lyrics in LRC beside it, and what else is known in JSON.

Each line of the lyrics is a recording: a stretch of the song, the words that are sung in it, how
and by whom. The voice is taken out of the song later, by whoever fetches the sound
(pipelines/harvest.py); read here as they are, lines would come with the band.

A description (``song.json``) may give ``artist``, ``language`` or ``dialect``, ``style`` (sung or
rap), ``licence``, ``group`` (a name under which yields are counted), ``beats_per_minute``,
``first_beat_s`` and ``notes``: ``[[start_s, end_s, pitch_hz], …]`` in the song's time. Without
one, the artist is the lyrics' ``ar`` tag, and the origin's defaults hold for the rest.
"""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lauter.datasets.audio import open_audio
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.imports.places import existing
from lauter.datasets.imports.recording import Origin, Recording
from lauter.datasets.imports.webdataset import AUDIO_SUFFIXES
from lauter.datasets.lrc import LyricLine, Lyrics, read_lrc
from lauter.datasets.tags import Style

CONTEXT_DOMAIN = "lauter.song-context.v1"
LONGEST_LINE_S = 20.0
"""A line that seems longer has an interlude behind it, which is not a part of it."""
SHORTEST_LINE_S = 0.3
_TEXTS = ("artist", "language", "dialect", "style", "licence", "group")
_NUMBERS = ("beats_per_minute", "first_beat_s")


@dataclass(frozen=True, slots=True)
class SongFacts:
    """What a song's description says; empty or None where it says nothing."""

    artist: str = ""
    language: str = ""
    dialect: str = ""
    style: str = ""
    licence: str = ""
    group: str = ""
    beats_per_minute: float | None = None
    first_beat_s: float | None = None
    notes: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Song:
    """A song that can be read: its audio's place and length, its lyrics, what is known of it."""

    path: Path
    duration_s: float
    lyrics: Lyrics
    facts: SongFacts

    def span_s(self, line: LyricLine) -> tuple[float, float]:
        """Return where a line begins and ends, as the lyrics say, in seconds."""
        start_s = line.start_ms / 1000
        end_s = self.duration_s if line.end_ms is None else line.end_ms / 1000
        return start_s, min(end_s, start_s + LONGEST_LINE_S)

    @property
    def context(self) -> str:
        """Digest of what decides each line beside the audio and its own words.

        The times of all lines, by which each is moved and cut; notes and beat, which it is held
        against.
        """
        return content_id(
            CONTEXT_DOMAIN,
            {
                "times_ms": [(line.start_ms, line.end_ms) for line in self.lyrics.lines],
                "notes": self.facts.notes,
                "beats_per_minute": self.facts.beats_per_minute,
                "first_beat_s": self.facts.first_beat_s,
            },
        )


@dataclass(frozen=True)
class Songs:
    """A folder of songs at ``path``; ``encoding`` is that of lyrics without a byte order mark.

    ``style`` (sung or rap) holds for songs whose description names none.
    """

    path: str
    origin: Origin = field(default_factory=Origin)
    encoding: str = "utf-8"
    style: str = Style.SUNG.value

    def __iter__(self) -> Iterator[Recording]:
        if self.style not in (Style.SUNG, Style.RAP):
            raise UsageError(f"source.style is '{self.style}'; songs are sung or rap")
        folder = existing(self.path, "folder of songs")
        for stem, files in _songs_below(folder):
            # A name in bytes that are no text is told in signs that can be written.
            name = str(stem.relative_to(folder)).encode(errors="replace").decode()
            yield from self._lines(name, stem, files)

    def _lines(self, name: str, stem: Path, files: Mapping[str, Path]) -> Iterator[Recording]:
        try:
            song = read_song(stem, files, self.encoding)
        except UsageError as error:
            yield Recording(name, fault=str(error), extra={"song": name})
            return
        facts = song.facts
        common = Recording(
            name,
            path=str(song.path),
            language=facts.language,
            dialect=facts.dialect,
            speaker=facts.artist or song.lyrics.tags.get("ar", ""),
            licence=facts.licence,
            manner={"style": facts.style or self.style},
            context=song.context,
            extra={"song": name, "group": facts.group},
        )
        if not song.lyrics.lines and not song.lyrics.faults:
            yield replace(common, fault=f"{stem.name}.lrc has no line of lyrics")
        for fault in song.lyrics.faults:
            if fault.lost:
                sentence = f"{stem.name}.lrc: {fault.sentence}"
                yield replace(common, key=f"{name}:{fault.number}", path="", fault=sentence)
        for line in song.lyrics.lines:
            start_s, end_s = song.span_s(line)
            yield replace(
                common,
                key=f"{name}:{line.number}@{start_s:g}",
                text=line.text,
                offset_s=start_s,
                duration_s=min(end_s, song.duration_s) - start_s,
                fault=_misplaced(song, line, start_s, end_s),
                extra={
                    **common.extra,
                    "stem": str(stem),
                    "start_ms": line.start_ms,
                    "encoding": self.encoding,
                },
            )


def read_song(stem: Path, files: Mapping[str, Path] | None = None, encoding: str = "utf-8") -> Song:
    """Return the song whose files are called ``stem``; ``files`` by suffix, where they are known.

    Raises ``UsageError`` where audio or lyrics are missing, or a file cannot be read.
    """
    files = _beside(stem) if files is None else files
    audio = next((files[suffix] for suffix in AUDIO_SUFFIXES if suffix in files), None)
    if audio is None:
        raise UsageError(
            f"there is no audio beside {stem.name}.lrc ({', '.join(AUDIO_SUFFIXES)}); "
            "bring it, or take the lyrics away"
        )
    if "lrc" not in files:
        raise UsageError(f"there is no {stem.name}.lrc beside it; bring the lyrics")
    facts = _facts(files["json"]) if "json" in files else SongFacts()
    try:
        with open_audio(audio) as file:
            duration_s = int(file.frames) / int(file.samplerate)
    except OSError as error:
        raise UsageError(f"{audio} cannot be read ({error.strerror})") from error
    return Song(audio, duration_s, read_lrc(files["lrc"], encoding), facts)


def _misplaced(song: Song, line: LyricLine, start_s: float, end_s: float) -> str:
    if start_s >= song.duration_s - SHORTEST_LINE_S:
        return (
            f"line {line.number} begins at {start_s:.2f} s and the audio ends at "
            f"{song.duration_s:.2f} s; the audio is cut off, or the lyrics belong to another"
        )
    if end_s - start_s < SHORTEST_LINE_S:
        return (
            f"line {line.number} lasts {end_s - start_s:.2f} s, too short to be sung; "
            "correct its time or the next line's"
        )
    return ""


def _songs_below(folder: Path) -> Iterator[tuple[Path, dict[str, Path]]]:
    """Yield each song's stem and files by suffix, in an order that no file system decides."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for stem, files in _grouped(Path(parent), names).items():
            if set(files) - {"json"}:
                yield stem, files


def _beside(stem: Path) -> dict[str, Path]:
    """Return the files of one song by suffix; none where its folder is gone."""
    _, _, names = next(os.walk(stem.parent), ("", [], []))
    return _grouped(stem.parent, names).get(stem, {})


def _grouped(parent: Path, names: Iterable[str]) -> dict[Path, dict[str, Path]]:
    """Return the files of each song in a folder by its stem, then by suffix in small letters."""
    found: dict[Path, dict[str, Path]] = {}
    for name in sorted(names):
        path = parent / name
        suffix = path.suffix[1:].lower()
        if not name.startswith(".") and suffix in (*AUDIO_SUFFIXES, "lrc", "json"):
            found.setdefault(path.with_suffix(""), {})[suffix] = path
    return found


def _facts(path: Path) -> SongFacts:
    try:
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(said, dict):
            raise TypeError(f"it is {type(said).__name__} and no object")
        values: dict[str, Any] = {name: _text(said, name) for name in _TEXTS}
        values |= {name: _number(said, name) for name in _NUMBERS}
        notes = tuple((float(a), float(b), float(hz)) for a, b, hz in said.get("notes") or ())
        if any(not (0 <= a <= b < math.inf and 0 < hz < math.inf) for a, b, hz in notes):
            raise ValueError("a note ends before it begins or never, or has no pitch")
        return SongFacts(**values, notes=notes)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"the description {path.name} cannot be used ({error}); mend it or take it away"
        ) from error


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name) or ""
    # Half a surrogate pair, which JSON may hold, is no text that could be written again.
    if not isinstance(value, str) or value != value.encode(errors="replace").decode():
        raise TypeError(f"its {name} is {value!r:.40} and no text")
    return value


def _number(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"its {name} is {value!r:.40} and no number")
    if name == "beats_per_minute" and value <= 0:
        raise ValueError("its beats_per_minute must be above 0")
    return float(value)
