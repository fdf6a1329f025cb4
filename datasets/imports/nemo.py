"""Reads NeMo and SDP manifests: one JSON object a line, gzipped or not.

``audio_filepath``, ``text``, ``duration``, ``offset``, ``lang`` and ``speaker`` are read, and
``pred_text`` as the transcript that a recogniser has already given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lauter.datasets.imports.columns import Columns
from lauter.datasets.imports.json_lines import json_lines
from lauter.datasets.imports.places import beside, existing
from lauter.datasets.imports.recording import Origin, Recording


@dataclass(frozen=True)
class NemoManifest:
    """A manifest at ``path``; relative audio paths start at its folder.

    ``columns`` chooses other columns for our fields; see ``Columns``.
    """

    path: str
    origin: Origin = field(default_factory=Origin)
    columns: Mapping[str, str | None] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recording]:
        manifest = existing(self.path, "manifest")
        columns = Columns(self.columns)
        checked = False
        for number, row in json_lines(manifest):
            line = f"{manifest.name}:{number}"
            if isinstance(row, str):
                yield Recording(line, fault=row)
                continue
            if not checked:
                columns.require(row, ("path", "text"), self.path)
                checked = True
            recording = columns.recording(row, line)
            if recording.path:
                recording = replace(recording, path=beside(manifest.parent, recording.path))
            yield recording
