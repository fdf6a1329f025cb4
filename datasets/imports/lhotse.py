"""Reads Lhotse manifests: cuts, recordings with supervisions, and Shar folders.

A cut of a plain file is kept as its place, like any other recording. Where Lhotse itself must do
something (mix tracks, apply a transform, pick a channel), it does, one cut after the other, and
the sound is carried along. Sounds that a manifest would have fetched by running a command or from
an address are refused: a manifest is data, and reading it runs nothing.

Lhotse is an optional extra and is loaded when it is first needed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lauter.datasets.audio import encode_flac
from lauter.datasets.errors import UsageError
from lauter.datasets.imports.columns import Columns
from lauter.datasets.imports.json_lines import json_lines
from lauter.datasets.imports.places import beside, existing
from lauter.datasets.imports.recording import Origin, Recording

CUTS = ("cuts.jsonl.gz", "cuts.jsonl")
RECORDINGS = ("recordings.jsonl.gz", "recordings.jsonl")
SUPERVISIONS = ("supervisions.jsonl.gz", "supervisions.jsonl")
SHAR_CUTS = "cuts.[0-9]*.jsonl*"

_SAME_S = 1e-4
"""Times that differ by less are the same: manifests round."""


@dataclass(frozen=True)
class LhotseManifest:
    """What lies at ``path``: a file of cuts, or a folder.

    A folder may be a Shar, hold ``cuts.jsonl(.gz)``, or both ``recordings.jsonl(.gz)`` and
    ``supervisions.jsonl(.gz)`` (of which the recordings' descriptions are held in memory).
    ``columns`` chooses other names in a supervision's ``custom`` for our fields; see ``Columns``.
    """

    path: str
    origin: Origin = field(default_factory=Origin)
    columns: Mapping[str, str | None] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recording]:
        found = existing(self.path, "Lhotse manifest or Shar folder")
        _require_lhotse()
        columns = Columns(self.columns)
        for key, cut in _cuts_at(found):
            if isinstance(cut, str):
                yield Recording(key, fault=cut)
            else:
                yield from _recordings_of(cut, columns)


def _require_lhotse() -> None:
    try:
        import lhotse  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "Lhotse manifests are read by the package lhotse, which is not installed; "
            'install it with: pip install "lauter[exchange]"'
        ) from error


def _cuts_at(found: Path) -> Iterator[tuple[str, Any]]:
    """Yield key and cut, or key and what is wrong with it."""
    if found.is_file():
        return _from_lines(found)
    if any(found.glob(SHAR_CUTS)):
        return _from_shar(found)
    if cuts := _first(found, CUTS):
        return _from_lines(cuts)
    recordings, supervisions = _first(found, RECORDINGS), _first(found, SUPERVISIONS)
    if recordings and supervisions:
        return _joined(recordings, supervisions)
    raise UsageError(
        f"'{found}' is no folder of Lhotse's: it has neither cuts.jsonl(.gz), nor "
        "recordings.jsonl(.gz) with supervisions.jsonl(.gz), nor a Shar's cuts.000000.jsonl.gz"
    )


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)


def _from_lines(manifest: Path) -> Iterator[tuple[str, Any]]:
    checked = False
    for number, row in json_lines(manifest):
        key = f"{manifest.name}:{number}"
        if isinstance(row, dict) and not checked:
            if "type" not in row or "Cut" not in str(row["type"]):
                raise UsageError(
                    f"{manifest} is no manifest of cuts: its rows have {', '.join(row)}; "
                    "for recordings and supervisions give the folder that holds both"
                )
            checked = True
        yield _deserialized(row, key, manifest.parent)


def _deserialized(row: dict[str, Any] | str, key: str, folder: Path) -> tuple[str, Any]:
    from lhotse.serialization import deserialize_item

    if isinstance(row, str):
        return key, row
    key = str(row.get("id", key))
    try:
        _locate(row, folder)
        return key, deserialize_item(row)
    except UsageError as error:
        return key, str(error)
    except Exception as error:  # whatever Lhotse makes of a strange row is that row's trouble
        return key, f"Lhotse cannot read it ({type(error).__name__}: {error})"


def _locate(row: dict[str, Any], folder: Path) -> None:
    """Make the paths of a cut's or recording's sounds absolute; refuse what is no file."""
    for track in row.get("tracks") or ():
        _locate(track["cut"], folder)
    described = row.get("recording") or row
    for source in described.get("sources") or ():
        if source["type"] != "file":
            raise UsageError(_refused(source["type"], source["source"]))
        source["source"] = beside(folder, source["source"])


def _refused(kind: str, source: object) -> str:
    return f"its sound comes from a {kind} ('{source!s:.80}'); fetch it into a file first"


def _joined(recordings: Path, supervisions: Path) -> Iterator[tuple[str, Any]]:
    from lhotse import MonoCut, MultiCut

    described = {
        row["id"]: row for _, row in json_lines(recordings) if isinstance(row, dict) and "id" in row
    }
    for number, row in json_lines(supervisions):
        key, supervision = _deserialized(row, f"{supervisions.name}:{number}", recordings.parent)
        if isinstance(supervision, str):
            yield key, supervision
            continue
        recording_id = getattr(supervision, "recording_id", None)
        if recording_id not in described:
            yield key, f"its recording '{recording_id}' is not in {recordings.name}"
            continue
        _, recording = _deserialized(dict(described[recording_id]), key, recordings.parent)
        if isinstance(recording, str):
            yield key, recording
            continue
        kind = MultiCut if isinstance(supervision.channel, list) else MonoCut
        yield (
            key,
            kind(
                id=key,
                start=supervision.start,
                duration=supervision.duration,
                channel=supervision.channel,
                supervisions=[supervision.with_offset(-supervision.start)],
                recording=recording,
            ),
        )


def _from_shar(folder: Path) -> Iterator[tuple[str, Any]]:
    from lhotse import CutSet

    last = ""
    try:
        for cut in CutSet.from_shar(in_dir=folder):
            yield cut.id, cut
            last = cut.id
    except Exception as error:
        raise UsageError(
            f"the Shar folder '{folder}' is damaged{f' after {last}' if last else ''} "
            f"({type(error).__name__}: {error}); what stands before is imported, "
            "take the folder from its source again"
        ) from error


def _recordings_of(cut: Any, columns: Columns) -> Iterator[Recording]:
    """Yield a recording for each supervision; one that stands alone speaks for the whole cut."""
    pieces = [cut]
    if len(cut.supervisions) > 1:
        pieces = list(cut.trim_to_supervisions(keep_overlapping=False))
    for piece in pieces:
        said: dict[str, Any] = {}
        key = cut.id
        if piece.supervisions:
            supervision = piece.supervisions[0]
            said = {
                "text": supervision.text,
                "language": supervision.language,
                "speaker": supervision.speaker,
                **(supervision.custom or {}),
            }
            if len(pieces) > 1:
                key = f"{cut.id}/{supervision.id}"
        # The cut is the piece: a custom 'path' or 'duration' tells of something else.
        known: dict[str, Any] = {"path": "", "offset_s": 0.0, "duration_s": None}
        yield columns.recording(said, key, **(known | _place(piece)))


def _place(cut: Any) -> dict[str, Any]:
    """Say where a cut's sound is, in fields of a recording; or give the sound; or the fault."""
    from lhotse import MonoCut

    recording = cut.recording if isinstance(cut, MonoCut) else None
    if (
        recording is not None
        and not recording.transforms
        and len(recording.sources) == 1
        and recording.sources[0].channels == [cut.channel]
    ):
        source = recording.sources[0]
        whole = cut.start < _SAME_S and abs(cut.duration - recording.duration) < _SAME_S
        stretch = {} if whole else {"offset_s": cut.start, "duration_s": cut.duration}
        if source.type == "file":
            return {"path": source.source, **stretch}
        if source.type == "memory":
            return {"audio": source.source, **stretch}
    tracks = [track.cut for track in getattr(cut, "tracks", ())] or [cut]
    for track in tracks:
        for source in getattr(getattr(track, "recording", None), "sources", ()):
            if source.type not in ("file", "memory"):  # Lhotse would run or fetch it
                return {"fault": _refused(source.type, source.source)}
    try:
        samples = cut.load_audio()
        return {"audio": encode_flac(samples.mean(axis=0), cut.sampling_rate)}
    except Exception as error:
        return {"fault": f"Lhotse cannot load its sound ({type(error).__name__}: {error})"}
