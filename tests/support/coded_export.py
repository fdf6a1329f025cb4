"""Exports whose speech codes are made up: enough to train on, nothing to hear."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from lauter.datasets.audio import audio_digest, encode_flac
from lauter.datasets.codes import interleave
from lauter.datasets.corpus import Corpus
from lauter.datasets.lance_export import export_lance
from lauter.datasets.records import (
    REQUEST_SCHEMA,
    TOP_LOGITS,
    TOP_LOGITS_FIELDS,
    UTTERANCE_SCHEMA,
    VERDICT_SCHEMA,
    Prompt,
    Request,
    described,
)
from lauter.datasets.shards import export_webdataset
from lauter.datasets.top_logits import TopLogits, compress
from lauter.datasets.voices import VOICE_SCHEMA, Voice

RATE = 16000
KINDS = (("en", "en-US", "neutral", 0), ("en", "en-GB", "joy", 2), ("zh", "cmn", "neutral", 0))
SOMEONE = Voice("someone", "en-US", "female", "CC0-1.0", "by herself, for anything")


def codes_of(number: int, groups: int) -> list[int]:
    """A short melody that a small model can learn: few entries, by the number."""
    lots = np.random.default_rng(number)
    linguistic = lots.integers(0, 8, 2 * groups)
    semantic = lots.integers(0, 8, 3 * groups)
    return interleave(linguistic, semantic).tolist()


def logits_of(codes: Sequence[int], sure: float) -> bytes:
    """What a teacher says who gives these codes, and the end after them, the probability so."""
    entries = [code if code < 1024 else code - 1024 for code in codes] + [1024]
    named = np.asarray(entries, np.int16)[:, None]
    return compress(
        TopLogits(
            named,
            np.full(named.shape, np.log(sure), np.float32),
            np.full(len(named), 1 - sure, np.float32),
        )
    )


def _prompt(number: int, speakers: Sequence[str]) -> Prompt:
    language, dialect, emotion, level = KINDS[number % len(KINDS)]
    return Prompt(
        f"say {number}", language, dialect, emotion=emotion, emotion_level=level,
        speaker=speakers[number % len(speakers)], text_source="tests", text_licence="Apache-2.0",
    )  # fmt: skip


def coded_export(
    folder: Path,
    rows: int = 40,
    *,
    kind: str = "webdataset",
    codecs: Sequence[str | None] = ("codec-1",),
    teachers: Sequence[str | None] = (),
    with_codes: bool = True,
    valid: float = 0.2,
    groups: int = 4,
    shard_bytes: int = 20_000,
    least_samples: int = 100,
    speakers: Sequence[str] = (SOMEONE.speaker,),
    prompts: Sequence[Prompt] = (),
) -> Path:
    """Write an export of ``rows`` samples of 1 to ``groups`` groups of codes each.

    Number n has n samples of sound more than ``least_samples``. Codecs, speakers and teachers
    (whose cached logits are ``logits_of`` the codes) take turns. ``prompts`` of one's own are asked
    with one seed, as a plan asks them.
    """
    utterances = []
    rows = len(prompts) or rows
    for number in range(rows):
        prompt = prompts[number] if prompts else _prompt(number, speakers)
        seed = 0 if prompts else number
        request = Request(prompt, "melodies", "melodies-1", seed).identified()
        flac = encode_flac(np.full(least_samples + number, 0.1, np.float32), RATE)
        utterances.append(
            asdict(prompt)
            | {
                "request_id": request.request_id, "prompt_id": prompt.prompt_id,
                "teacher": "melodies", "teacher_fingerprint": "melodies-1", "seed": seed,
                "audio": flac, "audio_digest": audio_digest(flac), "sample_rate": RATE,
                "duration_s": (least_samples + number) / RATE, "attempts": 1, "wall_s": 0.1,
                "device_s": 0.1,
                "codes": codes_of(number, 1 + number % groups) if with_codes else None,
                "error_kind": None, "error": None,
            }
        )  # fmt: skip
    ids = [row["request_id"] for row in utterances]
    corpus = Corpus.create(folder.with_name(folder.name + "-corpus"))
    with corpus.writing() as writer:
        writer.append(pa.RecordBatch.from_pylist(utterances, schema=UTTERANCE_SCHEMA))
        writer.flush()
        if codecs:
            marks = [codecs[number % len(codecs)] for number in range(rows)]
            named = described("codec_fingerprint", pa.string(), "Which codec made the codes")
            writer.put_scores(
                pa.table(
                    {"request_id": ids, "codec_fingerprint": marks},
                    schema=pa.schema([REQUEST_SCHEMA.field("request_id"), named]),
                )
            )
        if teachers:
            said = [teachers[number % len(teachers)] for number in range(rows)]
            writer.put_scores(
                pa.table(
                    {
                        "request_id": ids,
                        TOP_LOGITS: [
                            one and logits_of(row["codes"], 0.5)
                            for one, row in zip(said, utterances, strict=True)
                        ],
                        f"{TOP_LOGITS}_fingerprint": said,
                    },
                    schema=pa.schema([REQUEST_SCHEMA.field("request_id"), *TOP_LOGITS_FIELDS]),
                )
            )
        voice = asdict(SOMEONE) | {"reference_text": None, "reference_audio": None}
        writer.put_voices(pa.Table.from_pylist([voice], schema=VOICE_SCHEMA))
        verdicts = [
            {"request_id": one, "policy": "p1", "accepted": True, "failed_gates": []} for one in ids
        ]
        table = pa.Table.from_pylist(verdicts, schema=VERDICT_SCHEMA)
        writer.put_verdicts("all", "p1", "gates: []\n", table)
    corpus = Corpus.open(corpus.path)
    splits = {"train": 1 - valid, "valid": valid} if valid else {"train": 1.0}
    if kind == "lance":
        export_lance(corpus, folder, splits=splits)
    else:
        export_webdataset(corpus, folder, splits=splits, shard_bytes=shard_bytes)
    return folder
