"""One utterance as it is exported: two members of a tar, and a cut in Lhotse's words.

Codes stand in the JSON as a list of numbers: about 200 bytes a second of speech beside some 30,000
of FLAC, and every reader understands them. Cached logits are bytes, which JSON says in base64, a
third longer. A member of their own would break Lhotse's pairs; in the cuts they are left out, as
they would be read with every epoch by everyone.
"""

import json
import tarfile
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lauter.datasets.records import TOP_LOGITS

BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True, slots=True)
class ExportedSample:
    """An utterance under its key, with its FLAC bytes and its record."""

    key: str
    flac: bytes
    record: dict[str, Any]

    @property
    def duration_s(self) -> float:
        """Length of the audio in seconds."""
        return float(self.record["duration_s"])

    def members(self) -> bytes:
        """Return ``<key>.flac`` and ``<key>.json`` with their headers, as they stand in a tar."""
        manifest = _json(self._recording(source=self.record))
        return _member(f"{self.key}.flac", self.flac) + _member(f"{self.key}.json", manifest)

    def cut(self) -> bytes:
        """Return Lhotse's cut over the whole recording, as a line of JSON.

        Tags and figures are its custom fields.
        """
        recording = self._recording(source="")
        stretch = {"start": 0.0, "duration": recording["duration"], "channel": 0}
        spoken = {name: self.record[name] for name in ("text", "language", "speaker")}
        elsewhere = {*spoken, "request_id", "sample_rate", "duration_s"}
        custom = {
            name: value
            for name, value in self.record.items()
            if value is not None and name not in elsewhere and not isinstance(value, bytes)
        }
        supervision = {"id": self.key, "recording_id": self.key, **stretch, **spoken}
        cut = {"id": self.key, **stretch, "supervisions": [supervision], "recording": recording}
        return _json(cut | {"custom": custom, "type": "MonoCut"}) + b"\n"

    def _recording(self, source: object) -> dict[str, Any]:
        """Return Lhotse's manifest of the recording, which Shar fills with the audio's bytes."""
        rate = self.record["sample_rate"]
        samples = round(self.duration_s * rate)
        return {
            "id": self.key,
            "sources": [{"type": "shar", "channels": [0], "source": source}],
            "sampling_rate": rate,
            "num_samples": samples,
            "duration": samples / rate,
            "channel_ids": [0],
        }


def record_in(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the record that stands in a sample's manifest; None where it is another house's.

    Cached logits are bytes in it; raises ``ValueError`` where they cannot be.
    """
    match manifest:
        case {"sources": [{"type": "shar", "source": dict(record)}]}:
            said = record.get(TOP_LOGITS)
            return record if said is None else record | {TOP_LOGITS: _bytes_in(said)}
    return None


def _bytes_in(said: object) -> bytes:
    if not isinstance(said, str):
        raise ValueError(f"its {TOP_LOGITS} are no base64, but {type(said).__name__}")
    try:
        return b64decode(said, validate=True)
    except ValueError as error:
        raise ValueError(f"its {TOP_LOGITS} are no base64: {error}") from error


def _member(name: str, content: bytes) -> bytes:
    """Return a tar's member: a header without time or owner, and content in whole blocks."""
    header = tarfile.TarInfo(name)
    header.size = len(content)
    head = header.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    return head + content + bytes(-len(content) % BLOCK)


def _json(value: object) -> bytes:
    return _encode(value).encode()


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"JSON has no word for {type(value).__name__}")


_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_base64
).encode
