"""Voices: who can be heard, under which licence, and how they sound when neutral.

A corpus keeps the voices it was spoken with, each with a neutral reference recording; speaker
similarity and prosody are measured against that reference.
"""

from dataclasses import dataclass

import pyarrow as pa

from lauter.datasets.records import described


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker of one dialect.

    ``speaker`` is unique in a teacher; a person heard in two dialects is two voices that share
    ``identity``. ``consent`` says by whom and for what the voice may be used. ``reference_digest``
    is that of the recording a teacher clones it from: where it changes, requests are others.
    """

    speaker: str
    dialect: str
    gender: str
    licence: str
    consent: str
    identity: str = ""
    reference_digest: str = ""


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
    ]
)
