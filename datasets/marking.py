"""The mark of a clip: where it comes from, in the audio file's own tags.

A clip that leaves the house says by itself whether it is synthetic, who spoke it, which request it
answers and under which licences it stands. The mark stands where every player and tagging tool
looks: as Vorbis comments in FLAC, as an INFO list in WAV; the samples are not touched. Tags are no
watermark: whoever wants them gone removes them, and ``pipelines/trace.py`` then goes by the sound.

The corpus keeps its audio unmarked, so that a digest of it means the sound: ``unmarked`` gives back
a marked file's bytes as they were. A mark holds no time and no place, so the same corpus is
exported to the same bytes.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

import soundfile

from lauter.datasets.errors import UsageError
from lauter.datasets.flac_comments import comments_of, is_flac, with_comments
from lauter.datasets.wav_info import infos_of, is_wav, with_info, without_info

FORMAT: Final = 1
"""Version of the mark; a greater one is read as far as it is understood."""
NO_ASSERTION: Final = "NOASSERTION"
"""SPDX's word for a licence that nobody has stated."""

_OWN: Final = "LAUTER_"
_FORMAT: Final = f"{_OWN}MARK"
_SYNTHETIC: Final = "SYNTHETIC"
_VALUES: Final = {
    "request_id": f"{_OWN}REQUEST_ID",
    "teacher": f"{_OWN}TEACHER",
    "teacher_fingerprint": f"{_OWN}TEACHER_FINGERPRINT",
    "voice": f"{_OWN}VOICE",
    "voice_licence": f"{_OWN}VOICE_LICENCE",
    "text_licence": f"{_OWN}TEXT_LICENCE",
    "corpus": f"{_OWN}CORPUS",
    "release": f"{_OWN}RELEASE",
}


class Synthetic(StrEnum):
    """Whether a machine has spoken; ``UNKNOWN`` where nobody has told us."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Marks:
    """What is told of a clip.

    ``corpus`` is the digest of the corpus that it was taken from and ``release`` the tag under
    which, where these are known; licences are SPDX ids.
    """

    synthetic: Synthetic
    request_id: str
    teacher: str
    teacher_fingerprint: str
    voice: str
    voice_licence: str = NO_ASSERTION
    text_licence: str = NO_ASSERTION
    corpus: str = ""
    release: str = ""

    @property
    def sentence(self) -> str:
        """What a player shows."""
        origin = {
            Synthetic.YES: f"Synthetic speech, made by the teacher {self.teacher}",
            Synthetic.NO: "Recorded speech",
            Synthetic.UNKNOWN: "Speech that was made elsewhere",
        }[self.synthetic]
        return f"{origin}; `lauter trace` finds where it comes from"


def marked(encoded: bytes, marks: Marks) -> bytes:
    """Return a FLAC or WAV file with a mark, in place of one that it had.

    Comments of others are kept. Raises ``UsageError`` for another format or a damaged head.
    """
    plain = unmarked(encoded)
    if is_flac(plain):
        return with_comments(plain, [*comments_of(plain), *_comments(marks)])
    if is_wav(plain):
        return with_info(plain, {**_shown_in_wav(marks), "ICMT": comment(marks)})
    raise UsageError("only FLAC and WAV can be marked, and this is neither; convert it")


def marks_of(encoded: bytes | mmap) -> Marks | None:
    """Return the mark of an audio file; None where there is none, or nothing that can be read."""
    if is_flac(encoded):
        return _parsed(_decoded(_readable_comments(encoded)))
    if is_wav(encoded):
        found = [_parsed(info.get("ICMT", "").split("\n")) for info in infos_of(encoded)]
        return next((marks for marks in reversed(found) if marks), None)
    try:
        whole = io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded
        with soundfile.SoundFile(whole) as file:
            return _parsed(file.comment.split("\n"))
    except soundfile.LibsndfileError:
        return None


def marks_in(path: Path) -> Marks | None:
    """Return the mark of a file without reading the whole of it; see ``marks_of``."""
    with path.open("rb") as file:
        try:
            mapped = mmap(file.fileno(), 0, access=ACCESS_READ)
        except ValueError:  # an empty file cannot be mapped
            return None
        with mapped:
            return marks_of(mapped)


def unmarked(encoded: bytes) -> bytes:
    """Return a FLAC or WAV file without its mark, to the byte as it was before it was marked.

    But one: a WAV whose last chunk lacked the byte that pads it to an even length has it then.
    What has no mark that can be read is returned as it is.
    """
    if is_flac(encoded):
        comments = _readable_comments(encoded)
        marks = _parsed(_decoded(comments))
        return with_comments(encoded, _without(comments, marks)) if marks else encoded
    if is_wav(encoded):
        for number, info in reversed(list(enumerate(infos_of(encoded)))):
            if _parsed(info.get("ICMT", "").split("\n")):
                return without_info(encoded, number)
    return encoded


def _readable_comments(flac: bytes | mmap) -> list[bytes]:
    try:
        return comments_of(flac)
    except UsageError:  # damaged: whoever decodes it says so
        return []


def comment(marks: Marks) -> str:
    """Return a mark as one comment, for formats that have no names of their own."""
    return "\n".join([marks.sentence, *_words(marks)])


def _comments(marks: Marks) -> list[bytes]:
    licences = f"voice {_plain(marks.voice_licence)}, text {_plain(marks.text_licence)}"
    shown = [
        f"ARTIST={_plain(marks.voice)}",
        f"LICENSE={licences}",
        f"COMMENT={_plain(marks.sentence)}",
    ]
    return [word.encode(errors="replace") for word in (*_words(marks), *shown)]


def _shown_in_wav(marks: Marks) -> dict[str, str]:
    return {"IART": marks.voice, "ICOP": f"{marks.voice_licence}, {marks.text_licence}"}


def _words(marks: Marks) -> list[str]:
    """Return a mark's own words; what is not known is left out."""
    told = [(word, _plain(getattr(marks, name))) for name, word in _VALUES.items()]
    return [
        f"{_FORMAT}={FORMAT}",
        f"{_SYNTHETIC}={marks.synthetic}",
        *(f"{word}={value}" for word, value in told if value),
    ]


def _plain(value: str) -> str:
    """Return a value without line breaks and other signs that are no text."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", value)


def _decoded(comments: Iterable[bytes]) -> list[str]:
    return [comment.decode(errors="replace") for comment in comments]


def _parsed(words: Iterable[str]) -> Marks | None:
    """Return the mark among texts of the form ``NAME=value``; of several values the last."""
    said = {
        name.upper(): value for name, sign, value in (word.partition("=") for word in words) if sign
    }
    if not said.get(_FORMAT, "").isdecimal():
        return None
    synthetic = said.get(_SYNTHETIC, "").casefold()
    values = {name: said[word] for name, word in _VALUES.items() if word in said}
    needed = dict.fromkeys(("request_id", "teacher", "teacher_fingerprint", "voice"), "")
    return Marks(
        Synthetic(synthetic) if synthetic in set(Synthetic) else Synthetic.UNKNOWN,
        **needed | values,
    )


def _without(comments: list[bytes], marks: Marks) -> list[bytes]:
    """Return the comments that are not of the mark: of those that read alike, the last is."""
    ours = Counter(_comments(marks))
    kept = []
    for one in reversed(comments):
        if ours[one] > 0:
            ours[one] -= 1
        elif not one.upper().startswith(_OWN.encode()):
            kept.append(one)
    return kept[::-1]
