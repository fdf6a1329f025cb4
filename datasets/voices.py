"""Voices: who can be heard, with whose leave and for what, and how they sound when neutral.

A corpus keeps the voices it was spoken with, each with a neutral reference recording; speaker
similarity and prosody are measured against that reference.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pyarrow as pa

from lauter.datasets.records import described


class Use(StrEnum):
    """What speech in a voice may be made and given away for."""

    RESEARCH = "research"
    INTERNAL = "internal"
    COMMERCIAL = "commercial"


EVERY_USE: Final = tuple(Use)
_OPEN_LICENCE: Final = re.compile(
    r"CC0-1\.0|CC-BY(-SA)?-\d\.\d(-(AT|AU|DE|IGO|JP|NL|UK|US))?|APACHE-\d\.\d|MIT(-0)?"
    r"|BSD-\d-CLAUSE|PDDL-\d\.\d|ODC-BY-\d\.\d|ODBL-\d\.\d|UNLICENSE|OFL-\d\.\d"
)
"""The whole names, in capitals, of licences that allow every use; more words are another thing."""


def licence_uses(licence: str) -> tuple[Use, ...]:
    """Return what a licence allows by its SPDX id, where nobody has listed the uses of a voice.

    Licences for everything (CC0, CC-BY, CC-BY-SA, Apache, MIT, BSD, …) allow every use; those that
    forbid commerce (-NC) or changes (-ND: a copied voice is one) research alone. So do licences
    that are not known here: what they allow beyond it is for the voice's ``allowed_uses`` to say.
    Several that are joined by AND allow what each of them does.
    """
    parts = (part.strip().replace(" ", "-") for part in licence.upper().split(" AND "))
    return EVERY_USE if all(map(_OPEN_LICENCE.fullmatch, parts)) else (Use.RESEARCH,)


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker of one dialect.

    ``speaker`` is unique in a teacher; a person heard in two dialects is two voices that share
    ``identity``. ``consent`` says by whom and for what the voice may be used. ``reference_digest``
    is that of the recording a teacher clones it from: where it changes, requests are others.
    ``owner`` is who has the say over the voice; ``allowed_uses`` what it may be used for (none
    listed: what its licence allows) until ``expires`` (an ISO date, which is the last day; empty:
    no end). ``made_of`` names the voices that it is blended of.
    """

    speaker: str
    dialect: str
    gender: str
    licence: str
    consent: str
    identity: str = ""
    reference_digest: str = ""
    owner: str = ""
    allowed_uses: tuple[Use, ...] = ()
    expires: str = ""
    made_of: tuple[str, ...] = ()

    @property
    def uses(self) -> tuple[Use, ...]:
        """What it may be used for: what is listed, else what its licence allows."""
        return self.allowed_uses or licence_uses(self.licence)


VOICE_SCHEMA = pa.schema(
    [
        described("speaker", pa.string(), "Name of the voice", nullable=False),
        described("dialect", pa.string(), "The dialect it speaks", nullable=False),
        described("gender", pa.string(), "female, male or unknown", nullable=False),
        described("licence", pa.string(), "SPDX id of the voice's licence", nullable=False),
        described("consent", pa.string(), "By whom and for what it may be used", nullable=False),
        described("identity", pa.string(), "Shared by voices of one person", nullable=False),
        described("reference_text", pa.string(), "What the reference says"),
        described("reference_audio", pa.large_binary(), "Neutral speech of this voice, FLAC"),
        described("owner", pa.string(), "Who has the say over the voice"),
        described(
            "allowed_uses", pa.list_(pa.string()), "What for; none listed: what its licence allows"
        ),
        described("expires", pa.string(), "The last day of its leave, as an ISO date"),
        described("made_of", pa.list_(pa.string()), "The voices that it is blended of"),
    ]
)
"""The last four stand in corpora since voices have a ledger; in older ones they are null."""


def voice_row(voice: Voice, text: str | None, audio: bytes | None) -> dict[str, object]:
    """Return a row of ``VOICE_SCHEMA``: a voice, and what its reference says and sounds like."""
    told = {name: getattr(voice, name) for name in VOICE_SCHEMA.names if hasattr(voice, name)}
    identity = voice.identity or voice.speaker
    return told | {"identity": identity, "reference_text": text, "reference_audio": audio}


def voices_of(table: pa.Table) -> list[Voice]:
    """Return the voices of a table of ``VOICE_SCHEMA``, which needs no references."""
    names = [name for name in VOICE_SCHEMA.names if not name.startswith("reference_")]
    return [
        Voice(
            **row
            | {name: row[name] or "" for name in ("owner", "expires")}
            | {"allowed_uses": tuple(map(Use, row["allowed_uses"] or ()))}
            | {"made_of": tuple(row["made_of"] or ())}
        )
        for row in table.select(names).to_pylist()
    ]


def people_of(table: pa.Table) -> dict[str, str]:
    """Return by speaker who is heard, of a table of ``VOICE_SCHEMA``: voices may share a person."""
    rows = table.select(["speaker", "identity"]).to_pylist()
    return {row["speaker"]: row["identity"] or row["speaker"] for row in rows}


def with_every_column(table: pa.Table) -> pa.Table:
    """Return voices of an older corpus as ``VOICE_SCHEMA`` has them, what they lack as null."""
    columns: Sequence[pa.ChunkedArray] = [
        table[field.name] if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in VOICE_SCHEMA
    ]
    return pa.table(columns, names=VOICE_SCHEMA.names).cast(VOICE_SCHEMA)
