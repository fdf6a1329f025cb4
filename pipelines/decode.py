"""The decoding stage: codes that a teacher answered with become sound.

It has resources of its own, since a decoder wants other batches, and often other devices, than a
language model. Rows that have sound already, or an error, are left as they are. Codes that cannot
be decoded make an error of their row, beside which they are kept; a batch that fails is tried again
row by row, so that none takes its neighbours along.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from lauter.datasets.audio import Samples, audio_digest, encode_flac
from lauter.datasets.codes import Codes, InvalidCodesError, check_codes
from lauter.datasets.records import (
    CODEC_FIELD,
    DECODE_FIELD,
    SPEECH_FIELDS,
)
from lauter.pipelines.stage import BatchFunction, Resources

_RENEWED = ("audio", "audio_digest", "sample_rate", "duration_s", "error_kind", "error")
_FIELDS = [one for one in SPEECH_FIELDS if one.name in _RENEWED]


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """Codes to be heard, of which request, in whose voice."""

    request_id: str
    codes: Codes
    speaker: str
    dialect: str


class Decoder(Protocol):
    """Turns codes into sound."""

    @property
    def sample_rate(self) -> int:
        """Samples a second, Hz."""
        ...

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the codec whose codes it decodes."""
        ...

    def decode(self, spoken: Sequence[Spoken]) -> list[Samples]:
        """Return the sound of each, float32 ``[samples]``, or raise for all of them."""
        ...


@dataclass(frozen=True)
class Decode:
    """Fills in the audio of rows that have codes alone, and says by whose codec it was decoded."""

    open_decoder: Callable[[], Decoder]
    resources: Resources = field(default_factory=Resources)
    name: str = "decode"

    @property
    def reads(self) -> Sequence[str]:
        """Codes, and whose voice they are to have."""
        return ("request_id", "codes", "speaker", "dialect", *_RENEWED)

    @property
    def adds(self) -> pa.Schema:
        """The columns of speech that it renews, and those of the codec."""
        return pa.schema([*_FIELDS, CODEC_FIELD, DECODE_FIELD])

    def open(self) -> BatchFunction:
        """Load the decoder and return the function that decodes batches.

        Raises what its fingerprint raises: a decoder of other codes is found before any are.
        """
        decoder = self.open_decoder()
        fingerprint = decoder.fingerprint
        schema = self.adds

        def decode(batch: pa.RecordBatch) -> pa.RecordBatch:
            rows = batch.select(["request_id", "codes", "speaker", "dialect", *_RENEWED])
            added = pa.RecordBatch.from_pylist(
                _decoded(rows.to_pylist(), decoder, fingerprint), schema=schema
            )
            kept = batch.select([name for name in batch.schema.names if name not in schema.names])
            return pa.RecordBatch.from_arrays(
                [*kept.columns, *added.columns], schema=pa.schema([*kept.schema, *schema])
            )

        return decode


def _decoded(
    rows: list[dict[str, Any]], decoder: Decoder, fingerprint: str
) -> list[dict[str, Any]]:
    pending = {}
    for number, row in enumerate(rows):
        if row["audio"] is None and row["codes"] is not None and row["error_kind"] is None:
            try:
                codes = check_codes(row["codes"], f"request {row['request_id']}")
            except InvalidCodesError as error:
                row.update(error_kind="invalid", error=f"{type(error).__name__}: {error}")
                continue
            pending[number] = Spoken(row["request_id"], codes, row["speaker"], row["dialect"])
    for number, answer in zip(pending, _answers(decoder, list(pending.values())), strict=True):
        rows[number].update(answer)
        if answer.get("audio"):
            rows[number][CODEC_FIELD.name] = fingerprint
    return rows


def _answers(decoder: Decoder, spoken: list[Spoken]) -> list[dict[str, Any]]:
    if not spoken:
        return []
    started = time.perf_counter()
    try:
        heard = decoder.decode(spoken)
        if len(heard) != len(spoken):
            raise ValueError(f"the decoder gave {len(heard)} sounds to {len(spoken)} streams")
        rows = [_row(samples, decoder) for samples in heard]
    except Exception as error:
        if len(spoken) == 1:
            failed = {"error_kind": "failed", "error": f"{type(error).__name__}: {error}"}
            return [failed | {DECODE_FIELD.name: time.perf_counter() - started}]
        return [answer for one in spoken for answer in _answers(decoder, [one])]
    share = (time.perf_counter() - started) / len(spoken)
    return [row | {DECODE_FIELD.name: share} for row in rows]


def _row(samples: Samples, decoder: Decoder) -> dict[str, Any]:
    audio = encode_flac(samples, decoder.sample_rate)
    return {
        "audio": audio,
        "audio_digest": audio_digest(audio),
        "sample_rate": decoder.sample_rate,
        "duration_s": len(samples) / decoder.sample_rate,
    }
