"""The five nouns of the house, as Arrow schemas whose fields explain themselves.

Prompt → request → utterance → scores → verdict. Tables and batches carry them between rooms;
the two frozen dataclasses are for code that looks at one at a time (a teacher, a scorer).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from lauter.datasets.identity import content_id
from lauter.datasets.tags import Dialect, Emotion, Style

SCHEMA_VERSION = 1
"""Written into every corpus; a corpus with a greater number is refused, never misread."""

PROMPT_DOMAIN = "lauter.prompt.v1"
REQUEST_DOMAIN = "lauter.request.v1"


def described(
    name: str, kind: pa.DataType, description: str, *, unit: str = "", nullable: bool = True
) -> pa.Field:
    """Return an Arrow field that carries its meaning, and its unit where it has one."""
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


PROMPT_FIELDS = [
    described("prompt_id", pa.string(), "Digest of what to say and how", nullable=False),
    described("text", pa.string(), "What to say, in Unicode's NFC", nullable=False),
    described("language", pa.string(), "ISO 639-1 code of the writing", nullable=False),
    described("dialect", pa.string(), "Spoken variety: en-US, en-GB, cmn, …", nullable=False),
    described("emotion", pa.string(), "What the voice expresses", nullable=False),
    described("emotion_level", pa.int8(), "0 (neutral) to 5", nullable=False),
    described("style", pa.string(), "plain, rap or sung", nullable=False),
    described("speed_level", pa.int8(), "-5 (slow) to 5 (fast)", nullable=False),
    described("speaker", pa.string(), "Voice by name; empty: the planner chooses", nullable=False),
    described("text_source", pa.string(), "Where the text came from", nullable=False),
    described("text_licence", pa.string(), "SPDX id of the text's licence", nullable=False),
]
PROMPT_SCHEMA = pa.schema(PROMPT_FIELDS)

REQUEST_FIELDS = [
    described("request_id", pa.string(), "Digest of all that decides the audio", nullable=False),
    *PROMPT_FIELDS,
    described("teacher", pa.string(), "Name of the teacher asked", nullable=False),
    described(
        "teacher_fingerprint",
        pa.string(),
        "Digest of the teacher's name, version, weights and sampling",
        nullable=False,
    ),
    described("seed", pa.int64(), "Seed of the teacher's sampling", nullable=False),
]
REQUEST_SCHEMA = pa.schema(REQUEST_FIELDS)

SPEECH_FIELDS = [
    described("audio", pa.large_binary(), "FLAC, mono; null where speaking failed"),
    described("audio_digest", pa.string(), "BLAKE2b-128 of the FLAC bytes"),
    described("sample_rate", pa.int32(), "Samples of the audio per second", unit="Hz"),
    described("duration_s", pa.float64(), "Length of the audio", unit="s"),
    described("codes", pa.list_(pa.int32()), "Interleaved dual-codebook ids, if any came"),
    described("attempts", pa.int8(), "How often the teacher was asked", nullable=False),
    described("wall_s", pa.float64(), "The worker's time for it", unit="s", nullable=False),
    described("device_s", pa.float64(), "Accelerator or core time", unit="s", nullable=False),
    described(
        "error_kind",
        pa.string(),
        "refused, failed, invalid, timed_out, crashed, withdrawn; null: spoken",
    ),
    described("error", pa.string(), "What went wrong, in a sentence, with the exception"),
]
UTTERANCE_SCHEMA = pa.schema([*REQUEST_FIELDS, *SPEECH_FIELDS])
"""An utterance row is its request and what came back: either audio or an error, never neither."""

ATTEMPT = pa.struct(
    [
        ("server", pa.string()),
        ("outcome", pa.string()),
        ("seconds", pa.float64()),
        ("seed", pa.int64()),
    ]
)
SERVER_ATTEMPTS_FIELD = described(
    "server_attempts", pa.list_(ATTEMPT), "Every time that a server was asked, with its outcome"
)
"""Stands in corpora of teachers that ask servers."""

DECODE_FIELD = described(
    "decode_s", pa.float64(), "Time that decoding its codes took: its share of the batch", unit="s"
)
"""Stands in corpora of teachers that answer in codes."""

SCORING_FIELDS = [
    described("stopped_by", pa.string(), "The gate after which no dearer scorer was asked"),
    described(
        "score_errors",
        pa.list_(pa.struct([("scorer", pa.string()), ("error", pa.string())])),
        "Scorers that failed on this row, and how",
    ),
    described(
        "scorer_seconds",
        pa.list_(pa.struct([("scorer", pa.string()), ("seconds", pa.float64())])),
        "Time that each scorer spent on this row: its share of the batch",
        unit="s",
    ),
]
"""Beside these, each scorer adds its own columns and one ``<scorer>_fingerprint``. A null score is
*not applicable* unless its scorer stands in ``score_errors`` or the row was stopped before it."""

CODEC_FIELD = described("codec_fingerprint", pa.string(), "Digest of the codec that made the codes")
"""Stands beside ``codes`` once a corpus was encoded: codes of one codec mean nothing to another."""

CODEC_ERROR_FIELD = described(
    "codec_error", pa.string(), "Why the codec left this utterance without codes"
)
"""Stands beside both once there was such an utterance: ``codes`` are null then, and the fingerprint
is that of the codec which could not make any, so that it is not asked again."""

TOP_LOGITS = "top_logits"
TOP_LOGITS_FIELDS = [
    described(TOP_LOGITS, pa.large_binary(), "What a teacher would have said at each code"),
    described(
        f"{TOP_LOGITS}_fingerprint", pa.string(), "Digest of that teacher and of what was kept"
    ),
]
"""What `lauter teach` adds; ``top_logits.py`` has the format. Like codes, they say nothing
without who made them, so exports take both columns along."""

FAILED_GATE = pa.struct(
    [
        ("gate", pa.string()),
        ("score", pa.string()),
        ("figure", pa.float64()),
        ("threshold", pa.float64()),
        ("reason", pa.string()),
    ]
)
VERDICT_SCHEMA = pa.schema(
    [
        described("request_id", pa.string(), "The utterance judged", nullable=False),
        described("policy", pa.string(), "Digest of the policy", nullable=False),
        described("accepted", pa.bool_(), "Passed every gate", nullable=False),
        described(
            "failed_gates",
            pa.list_(FAILED_GATE),
            "Every gate failed: its name, the score read, the figure, the threshold, the reason",
            nullable=False,
        ),
    ]
)

CELL_COLUMNS = (
    "language",
    "dialect",
    "emotion",
    "emotion_level",
    "style",
    "speed_level",
    "speaker",
)
"""The axes of balance: quotas fill their cells, reports count over them."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to say and how."""

    text: str
    language: str
    dialect: str
    emotion: str = Emotion.NEUTRAL.value
    emotion_level: int = 0
    style: str = Style.PLAIN.value
    speed_level: int = 0
    speaker: str = ""
    text_source: str = ""
    text_licence: str = ""

    @property
    def prompt_id(self) -> str:
        """Digest over everything but the text's source and licence."""
        return content_id(PROMPT_DOMAIN, {name: getattr(self, name) for name in PROMPT_IDENTITY})


PROMPT_IDENTITY = tuple(
    field.name for field in fields(Prompt) if field.name not in ("text_source", "text_licence")
)
REQUEST_IDENTITY = (*PROMPT_IDENTITY, "teacher", "teacher_fingerprint", "seed")


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt bound to a teacher's fingerprint and a seed."""

    prompt: Prompt
    teacher: str
    teacher_fingerprint: str
    seed: int
    request_id: str = ""

    def identified(self) -> "Request":
        """Return this request with its id computed from its content."""
        content = {name: getattr(self.prompt, name) for name in PROMPT_IDENTITY} | {
            "teacher": self.teacher,
            "teacher_fingerprint": self.teacher_fingerprint,
            "seed": self.seed,
        }
        return Request(
            self.prompt,
            self.teacher,
            self.teacher_fingerprint,
            self.seed,
            content_id(REQUEST_DOMAIN, content),
        )


_PROMPT_NAMES = tuple(field.name for field in fields(Prompt))


def request_from_row(row: Mapping[str, Any]) -> Request:
    """Return the request that a row of ``REQUEST_SCHEMA`` (or a wider one) holds."""
    return Request(
        Prompt(*(row[name] for name in _PROMPT_NAMES)),
        row["teacher"],
        row["teacher_fingerprint"],
        row["seed"],
        row["request_id"],
    )


def requests_of(batch: pa.RecordBatch) -> Iterator[Request]:
    """Yield the requests of a batch, in its order."""
    columns = batch.select(REQUEST_SCHEMA.names)
    yield from map(request_from_row, columns.to_pylist())


def dialect_language(dialect: str) -> str:
    """Return the language code of a dialect, which must be one of ``Dialect``."""
    return Dialect(dialect).language.value
