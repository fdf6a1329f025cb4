"""Reads WebDataset tars: files whose names agree up to the first dot are one sample.

Only the tars' headers and the small members (json, txt) are read here; the audio stays where it
lies, as a stretch of bytes in the tar, until a worker fetches it. A zipped tar has no such places,
so its audio is carried along. The JSON of our own exports is a recording's manifest with the
sample's record in it; that is unwrapped.
"""

import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.datasets.exported_sample import record_in
from lauter.datasets.imports.columns import Columns
from lauter.datasets.imports.recording import Origin, Recording

AUDIO_SUFFIXES = ("flac", "wav", "ogg", "opus", "mp3")
TEXT_SUFFIXES = ("txt", "lab", "text", "transcript.txt")


@dataclass(frozen=True)
class WebDatasetTars:
    """The tars that ``path`` names: one, a folder's, a glob, or braces (``s-{000..012}.tar``).

    ``columns`` chooses other keys of the samples' JSON for our fields; see ``Columns``.
    """

    path: str
    origin: Origin = field(default_factory=Origin)
    columns: Mapping[str, str | None] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recording]:
        columns = Columns(self.columns)
        for tar in tars_of(self.path):
            for sample in _samples(tar):
                yield sample.recording(columns)


def tars_of(pattern: str) -> list[Path]:
    """Return the tars that a pattern names, sorted; raises ``UsageError`` where one is missing."""
    if not pattern:
        raise UsageError("nothing says which tars to import; set source.path=…")
    if "://" in pattern or pattern.startswith("pipe:"):
        raise UsageError(f"'{pattern}' is not on this machine; bring the tars here first")
    tars: list[Path] = []
    for name in _with_braces(str(Path(pattern).expanduser())):
        path = Path(name)
        if path.is_dir():
            found = [*path.glob("*.tar"), *path.glob("*.tar.gz"), *path.glob("*.tgz")]
        elif path.is_file():
            found = [path]
        else:
            found = list(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not found:
            raise UsageError(f"there is no tar at '{name}'; correct source.path")
        tars.extend(sorted(found))
    return tars


def _with_braces(pattern: str) -> list[str]:
    """Return what ``{a,b}`` and ``{000..012}`` stand for, in order."""
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [[part] if index % 2 == 0 else _choices(part) for index, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def _choices(inside: str) -> list[str]:
    span = re.fullmatch(r"(\d+)\.\.(\d+)", inside)
    if span is None:
        return inside.split(",")
    first, last = span.groups()
    width = len(first) if first.startswith("0") or len(first) == len(last) else 0
    return [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]


@dataclass(frozen=True)
class _Member:
    """A file in a tar: ``key`` is its name up to the first dot, ``suffix`` what follows.

    ``place`` says where it lies, in fields of a recording; ``data`` is what it holds, where that
    was read.
    """

    key: str
    suffix: str
    place: dict[str, Any]
    data: bytes


@dataclass
class _Sample:
    """The members of one sample, as they come; ``place`` says where its audio is."""

    tar: str
    key: str
    suffixes: list[str] = field(default_factory=list)
    description: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    place: dict[str, Any] = field(default_factory=dict)
    fault: str = ""

    def take(self, member: _Member) -> None:
        """Take in a member: of the audio the place, of the others what they say."""
        suffix = member.suffix
        self.suffixes.append(suffix)
        try:
            if suffix == "json":
                self.description = _description(member.data)
            elif suffix in TEXT_SUFFIXES:
                self.text = member.data.decode("utf-8-sig").strip()
            elif _is_audio(suffix) and not self.place:
                self.place = member.place
        except ValueError as error:
            self.fault = f"its {suffix} cannot be read ({error})"

    @property
    def is_whole(self) -> bool:
        """Whether there is audio, and words for it."""
        return bool(self.place and (self.description or self.text))

    def recording(self, columns: Columns) -> Recording:
        """Return what the members say together."""
        # The member is the whole piece: an offset in its description is where it was cut from.
        known: dict[str, Any] = {"path": "", "offset_s": 0.0, "duration_s": None} | self.place
        if self.text is not None:
            known["text"] = self.text
        if not self.place:
            known["fault"] = f"it has no audio; its members are {', '.join(self.suffixes)}"
        if self.fault:
            known["fault"] = self.fault
        return columns.recording(self.description, f"{self.tar}/{self.key}", **known)


def _description(data: bytes) -> dict[str, Any]:
    said = json.loads(data)
    if not isinstance(said, dict):
        raise ValueError(f"it is no object, but {type(said).__name__}")
    return record_in(said) or said


def _samples(path: Path) -> Iterator[_Sample]:
    """Yield a tar's samples; raises ``UsageError`` at the place where it is cut off or damaged."""
    sample: _Sample | None = None
    try:
        for member in _members(path):
            if sample is None or sample.key != member.key:
                if sample is not None:
                    yield sample
                sample = _Sample(path.name, member.key)
            sample.take(member)
    except UsageError:
        if sample is not None and sample.is_whole:
            yield sample
        raise
    if sample is not None:
        yield sample


def _members(path: Path) -> Iterator[_Member]:
    last = ""
    try:
        size = path.stat().st_size
        with tarfile.open(path) as tar:
            zipped = not isinstance(tar.fileobj, io.BufferedReader)
            while (info := tar.next()) is not None:
                # A tar keeps every header that it has seen, unless told to forget.
                tar.members = []  # type: ignore[attr-defined]
                if not zipped and info.offset_data + info.size > size:
                    raise tarfile.ReadError(f"'{info.name}' is cut off")
                if info.isfile():
                    yield _member(path, tar, info, zipped)
                    last = info.name
            _require_end_mark(tar)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        cause = str(error).partition("\n")[0].rstrip(":")
        raise UsageError(
            f"{path} is damaged{f' after {last}' if last else ''} ({cause}); "
            "what stands before is imported, take the tar from its source again"
        ) from error


def _member(path: Path, tar: tarfile.TarFile, info: tarfile.TarInfo, zipped: bool) -> _Member:
    folder, slash, name = info.name.rpartition("/")
    stem, _, suffix = name.partition(".")
    suffix = suffix.lower()
    told = suffix == "json" or suffix in TEXT_SUFFIXES
    file = tar.extractfile(info) if told or (zipped and _is_audio(suffix)) else None
    data = b"" if file is None else file.read()
    place = {"path": str(path), "byte_start": info.offset_data, "byte_count": info.size}
    return _Member(folder + slash + stem, suffix, {"audio": data} if zipped else place, data)


def _is_audio(suffix: str) -> bool:
    return suffix.rpartition(".")[2] in AUDIO_SUFFIXES


def _require_end_mark(tar: tarfile.TarFile) -> None:
    """Raise where a tar ends otherwise than with a block of zeros; tarfile would not tell."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it does not end with a tar's end mark: it was cut off")
