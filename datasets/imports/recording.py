"""What a reader of foreign speech gives: small records that say where a piece of speech lies.

A record holds no audio where it can be helped, only the place of it (a file, a part of a tar, a
stretch of a long recording), so that a million of them are cheap to read, to plan and to send to
workers, who fetch the sound themselves.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.imports.languages import dialect_of
from lauter.datasets.marking import Synthetic
from lauter.datasets.records import described

ORIGIN_DOMAIN = "lauter.origin.v1"


@dataclass(frozen=True, slots=True)
class Recording:
    """A piece of speech as its source describes it.

    The audio is ``audio`` (an encoded file's bytes), or lies in ``path``: the whole file, or
    ``byte_count`` bytes from ``byte_start`` (a member of a tar). Of it the piece is heard that
    begins at ``offset_s`` and lasts ``duration_s`` (None: to the end). ``context`` is a digest of
    what else decides what is heard, where the stretch alone does not. ``text`` is what was said;
    ``transcript`` what some recogniser heard, if the source tells. ``fault`` is a sentence where
    the source's own description is unusable; the row is kept as a failed one.
    ``manner`` is how it was said, in our words (see ``manner_of``); ``extra`` all else that the
    source says.
    """

    key: str
    text: str = ""
    path: str = ""
    byte_start: int = 0
    byte_count: int | None = None
    audio: bytes | None = None
    offset_s: float = 0.0
    duration_s: float | None = None
    context: str = ""
    language: str = ""
    dialect: str = ""
    speaker: str = ""
    licence: str = ""
    transcript: str | None = None
    fault: str = ""
    manner: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a source does not say itself, and how its sound is to be kept.

    ``language``, ``dialect``, ``speaker`` and ``licence`` (SPDX) hold for rows that name none.
    ``sample_rate`` (Hz) resamples what has another rate; None keeps each as it is. ``synthetic``
    says whether a machine has spoken it (yes, no or unknown), where a file's own mark does not.
    """

    name: str = "import"
    language: str = ""
    dialect: str = ""
    speaker: str = "unknown"
    licence: str = "NOASSERTION"
    sample_rate: int | None = None
    synthetic: str = Synthetic.UNKNOWN.value

    def __post_init__(self) -> None:
        # YAML takes a bare yes or no for true or false.
        words = {True: Synthetic.YES.value, False: Synthetic.NO.value}
        told = words.get(self.synthetic, self.synthetic)  # type: ignore[call-overload]
        if told not in set(Synthetic):
            raise UsageError(
                f"synthetic is '{told}'; set {', '.join(Synthetic)}, as far as it is known"
            )
        object.__setattr__(self, "synthetic", told)
        for tag in (self.dialect, self.language):
            if tag:
                dialect_of(tag)
        if self.sample_rate is not None and not 8000 <= self.sample_rate <= 192000:
            raise UsageError(
                f"a sample rate of {self.sample_rate} Hz is outside 8000 to 192000; "
                "leave it out to keep each recording's own"
            )

    def fingerprint(self) -> str:
        """Return the digest that stands where a teacher's would: of name and sample rate.

        The place of the files and their format are not in it: the same speech found elsewhere
        is the same utterance.
        """
        return content_id(ORIGIN_DOMAIN, {"name": self.name, "sample_rate": self.sample_rate})


class Source(Protocol):
    """Speech made elsewhere: where it lies, its origin, and its recordings in a stable order."""

    @property
    def path(self) -> str:
        """Where it lies, as whoever named it wrote it."""
        ...

    @property
    def origin(self) -> Origin:
        """What holds for all of it."""
        ...

    def __iter__(self) -> Iterator[Recording]:
        """Read from the beginning; raises ``UsageError`` where the source itself is unusable."""
        ...


RECORDING_TYPE = pa.struct(
    [
        described("key", pa.string(), "Name of the piece in its source", nullable=False),
        described("text", pa.string(), "What was said", nullable=False),
        described("path", pa.string(), "File that holds the audio", nullable=False),
        described("byte_start", pa.int64(), "Where in that file", unit="B", nullable=False),
        described("byte_count", pa.int64(), "How much of that file; null: all", unit="B"),
        described("audio", pa.large_binary(), "The encoded audio itself, where it has no path"),
        described("offset_s", pa.float64(), "Where in the audio", unit="s", nullable=False),
        described("duration_s", pa.float64(), "How much of the audio; null: all", unit="s"),
        described("context", pa.string(), "Digest of what else decides it", nullable=False),
        described("language", pa.string(), "Language as the source says", nullable=False),
        described("dialect", pa.string(), "Dialect as the source says", nullable=False),
        described("speaker", pa.string(), "Speaker as the source says", nullable=False),
        described("licence", pa.string(), "Licence as the source says", nullable=False),
        described("transcript", pa.string(), "What a recogniser heard"),
        described("fault", pa.string(), "Why it cannot be imported", nullable=False),
        described("manner", pa.string(), "How it was said, JSON", nullable=False),
        described("extra", pa.string(), "All else that the source says, JSON", nullable=False),
    ]
)
"""A recording in one column, as it travels to workers."""

_IN_JSON = ("manner", "extra")
# In ASCII: half a surrogate pair, which no Arrow string can hold, is escaped.
_encode = json.JSONEncoder(default=str).encode


_TEXTS = ("key", "text", "path", "language", "dialect", "speaker", "licence", "transcript", "fault")


def encodable(recording: Recording) -> Recording:
    """Return the recording, or a faulty one where a text or file name is no Unicode."""
    broken = {
        name: value.encode(errors="replace").decode()
        for name in _TEXTS
        if (value := getattr(recording, name)) and not _is_unicode(value)
    }
    if not broken:
        return recording
    fault = f"its {' and '.join(broken)} cannot be written in UTF-8; correct it at its source"
    return replace(recording, **{**broken, "fault": broken.get("fault") or fault})


def _is_unicode(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def recording_row(recording: Recording) -> dict[str, Any]:
    """Return a recording as a value of ``RECORDING_TYPE``."""
    row = {column.name: getattr(recording, column.name) for column in fields(Recording)}
    return row | {name: _encode(row[name]) for name in _IN_JSON}


def recording_from(row: Mapping[str, Any]) -> Recording:
    """Return the recording that a value of ``RECORDING_TYPE`` holds."""
    return Recording(**{**row, **{name: json.loads(row[name]) for name in _IN_JSON}})
