"""Lyrics with times: the LRC format, read so that one bad line costs no other.

Read are ID tags, one or several times before a line, word times (``<mm:ss.xx>``, the enhanced
format) and the offset tag, which makes lyrics appear sooner where it is positive. Times are
``mm:ss``, with one to three decimals or none, or ``hh:mm:ss``. A line ends where the next begins;
a time without words ends the line before it, and so does a word time behind the last word.

The format has no authority, so this is what is done with what is wrong. Each fault is a sentence
with its line's number, and says by ``lost`` whether the line is left out. Left out is a line
without a time, with a time that is none or lies before zero, in bytes that are no text, or at the
very time of an earlier one (as translations have it). Kept are lines out of order (they are
sorted), lines that overlap (the first ends where the second begins), and lines whose word times
make no sense (without these). Times are whole milliseconds, so that what is written is read again
as it was.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from pathlib import Path

from lauter.datasets.errors import UsageError

_TIME = r"(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2})(?:\.(\d{1,3}))?"
_LINE_TIME = re.compile(rf"\[{_TIME}\]")
_WORD_TIME = re.compile(rf"<{_TIME}>")
_LIKE_A_TIME = re.compile(r"\[[\s\d:.,+-]*\d[\s\d:.,+-]*\]")
_TAG = re.compile(r"\[([A-Za-z#][\w#]*):(.*)\]")
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a syllable, and when it begins; a blank behind it belongs to it."""

    start_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class LyricLine:
    """A line that is sung from ``start_ms`` to ``end_ms`` (None: to the end of the song).

    ``number`` is where it stands in the file, from 1, and does not count when lines are compared.
    """

    start_ms: int
    text: str
    end_ms: int | None = None
    words: tuple[Word, ...] = ()
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LyricFault:
    """What is wrong with a line of a file; ``lost`` says whether it was left out."""

    number: int
    sentence: str
    lost: bool


@dataclass(frozen=True)
class Lyrics:
    """The lines of a song in the order of their times, its ID tags, and what was wrong."""

    lines: tuple[LyricLine, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[LyricFault, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """One time of one line: with words, or (``text`` empty) the end of the line before."""

    start_ms: int
    text: str
    words: tuple[Word, ...]
    end_ms: int | None
    number: int


def read_lrc(path: Path, encoding: str = "utf-8") -> Lyrics:
    """Return the lyrics in a file; raises ``UsageError`` where there is no such file."""
    try:
        return parse_lrc(path.read_bytes(), encoding)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); correct its path") from error


def parse_lrc(content: bytes, encoding: str = "utf-8") -> Lyrics:
    """Return the lyrics that an LRC file's bytes hold; a byte order mark outweighs ``encoding``.

    Raises ``UsageError`` for an encoding that there is not; whatever else is wrong is a fault.
    """
    faults: list[LyricFault] = []
    tags: dict[str, str] = {}
    stamps: list[_Stamp] = []
    for number, line in _text_lines(content, encoding, faults):
        found = _LINE_TIME.match(line) or _LIKE_A_TIME.match(line)
        tag = None if found else _TAG.fullmatch(line)
        if tag:
            tags[tag[1].lower()] = tag[2].strip()
        else:
            stamps += _stamps(line, number, faults)
    offset_ms = _offset_ms(tags, faults)
    stamps = [_earlier(stamp, offset_ms) for stamp in stamps]
    lines = tuple(_ended(_in_order(stamps, faults), faults))
    return Lyrics(lines, tags, tuple(sorted(faults, key=lambda fault: fault.number)))


def to_lrc(lyrics: Lyrics) -> str:
    """Return lyrics as LRC text with milliseconds, which ``parse_lrc`` reads as the same lyrics."""
    written = [f"[{name}:{value}]" for name, value in lyrics.tags.items()]
    for line, after in zip_longest(lyrics.lines, lyrics.lines[1:]):
        text = "".join(f"<{_clock(word.start_ms)}>{word.text}" for word in line.words) or line.text
        written.append(f"[{_clock(line.start_ms)}]{text}")
        if line.end_ms is not None and (after is None or line.end_ms < after.start_ms):
            written.append(f"[{_clock(line.end_ms)}]")
    return "\n".join(written) + "\n" if written else ""


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
    return f"{hours:02}:{clock}" if hours else clock


def _text_lines(
    content: bytes, encoding: str, faults: list[LyricFault]
) -> Iterator[tuple[int, str]]:
    """Yield each line that is not empty, with its number; one that is no text becomes a fault."""
    for mark, known in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            content, encoding = content.removeprefix(mark), known
    try:
        encoding = codecs.lookup(encoding).name  # UTF-16, utf_16 and U16 are one
        line_end = "\n".encode(encoding)
    except LookupError:
        raise UsageError(f"there is no encoding '{encoding}'; utf-8 and gb18030 are some") from None
    if encoding.startswith(("utf-16", "utf-32")):  # several bytes a sign: cut it after it was read
        lines = [one.encode() for one in content.decode(encoding, errors="replace").split("\n")]
        encoding = "utf-8"
    else:
        lines = content.split(line_end)
    for number, raw in enumerate(lines, start=1):
        try:
            line = raw.decode(encoding).strip().removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            sentence = (
                f"line {number} is no {encoding} text (byte 0x{raw[error.start]:02x}) and is left "
                "out; say how the file is encoded, or write it anew as UTF-8"
            )
            faults.append(LyricFault(number, sentence, lost=True))
            continue
        if line:
            yield number, line


def _stamps(line: str, number: int, faults: list[LyricFault]) -> list[_Stamp]:
    starts_ms: list[int] = []
    rest = line
    while found := _LINE_TIME.match(rest):
        time_ms = _milliseconds(found)
        if time_ms is None:
            return _lost(faults, number, f"has the time {found[0]}, whose seconds are over 59")
        starts_ms.append(time_ms)
        rest = rest[found.end() :].lstrip()
    if broken := _LIKE_A_TIME.match(rest):
        return _lost(faults, number, f"has '{broken[0][:_SHOWN]}', which is no time")
    if not starts_ms:
        return _lost(faults, number, f"has no time before '{rest[:_SHOWN]}'")
    text, words, end_ms, wrong = _words(rest, starts_ms[0])
    if words and len(starts_ms) > 1:
        wrong = wrong or "has several times and word times, which can belong to one only"
    if wrong:
        faults.append(_told(number, f"{wrong}; it is kept without word times"))
        words, end_ms = (), None
    return [_Stamp(start_ms, text, words, end_ms, number) for start_ms in starts_ms]


def _words(rest: str, start_ms: int) -> tuple[str, tuple[Word, ...], int | None, str]:
    """Return text, words, end and what is wrong with the word times of a line."""
    found = list(_WORD_TIME.finditer(rest))
    if not found:
        return " ".join(rest.split()), (), None, ""
    times = [_milliseconds(one) for one in found]
    bounds = [*(one.start() for one in found), len(rest)]
    pieces = [rest[one.end() : until] for one, until in zip(found, bounds[1:], strict=True)]
    if rest[: bounds[0]].strip():
        times, pieces = [start_ms, *times], [rest[: bounds[0]], *pieces]
    text = " ".join("".join(pieces).split())
    known = [time_ms for time_ms in times if time_ms is not None]
    if len(known) < len(times):
        return text, (), None, "has a word time whose seconds are over 59"
    if any(after < before for before, after in pairwise([start_ms, *known])):
        return text, (), None, "has word times that run backwards"
    end_ms = None
    if not pieces[-1].strip():
        end_ms = known.pop()
        pieces.pop()
    words, so_far = [], ""
    for time_ms, piece in zip(known, pieces, strict=True):
        joined = " ".join((so_far + piece).split())
        blank = piece[-1:].isspace() and len(joined) < len(text)
        joined += " " if blank else ""
        words.append(Word(time_ms, joined[len(so_far) :]))
        so_far = joined
    return text, tuple(words), end_ms, ""


def _milliseconds(found: re.Match[str]) -> int | None:
    hours, minutes, seconds, decimals = found.groups()
    if int(seconds) > 59:
        return None
    whole_s = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole_s * 1000 + int((decimals or "").ljust(3, "0") or 0)


def _offset_ms(tags: dict[str, str], faults: list[LyricFault]) -> int:
    """Take the offset out of the tags: it is applied, and no longer holds."""
    said = tags.pop("offset", "")
    try:
        return int(said or 0)
    except ValueError:
        sentence = f"the offset '{said[:_SHOWN]}' is no number of milliseconds and is not applied"
        faults.append(LyricFault(0, sentence, lost=False))
        return 0


def _earlier(stamp: _Stamp, offset_ms: int) -> _Stamp:
    return replace(
        stamp,
        start_ms=stamp.start_ms - offset_ms,
        end_ms=None if stamp.end_ms is None else stamp.end_ms - offset_ms,
        words=tuple(Word(word.start_ms - offset_ms, word.text) for word in stamp.words),
    )


def _in_order(stamps: list[_Stamp], faults: list[LyricFault]) -> list[_Stamp]:
    kept: dict[int, _Stamp] = {}
    for stamp in stamps:
        before = kept.get(stamp.start_ms)
        if stamp.start_ms < 0:
            _lost(faults, stamp.number, "begins before the song, by the file's offset")
        elif before is None or not before.text:
            kept[stamp.start_ms] = stamp
        elif stamp.text:
            clock = _clock(stamp.start_ms)
            _lost(faults, stamp.number, f"begins at {clock} like line {before.number}")
    return [kept[start_ms] for start_ms in sorted(kept)]


def _ended(stamps: list[_Stamp], faults: list[LyricFault]) -> Iterator[LyricLine]:
    """Yield the lines that have words, each with its end."""
    for stamp, after in zip_longest(stamps, stamps[1:]):
        if not stamp.text:
            continue
        next_ms = None if after is None else after.start_ms
        last_ms = max([stamp.end_ms or 0, *(word.start_ms for word in stamp.words)])
        words, end_ms = stamp.words, stamp.end_ms
        if after is not None and next_ms is not None and last_ms > next_ms:
            sentence = (
                f"is sung until {_clock(last_ms)} and line {after.number} begins at "
                f"{_clock(next_ms)}: they overlap; it is kept to there, without word times"
            )
            faults.append(_told(stamp.number, sentence))
            words, end_ms = (), next_ms
        yield LyricLine(
            stamp.start_ms, stamp.text, next_ms if end_ms is None else end_ms, words, stamp.number
        )


def _told(number: int, sentence: str) -> LyricFault:
    return LyricFault(number, f"line {number} {sentence}", lost=False)


def _lost(faults: list[LyricFault], number: int, sentence: str) -> list[_Stamp]:
    faults.append(LyricFault(number, f"line {number} {sentence}; it is left out", lost=True))
    return []
