"""A small corpus with everything an export meets: tones, rejects, failures, codes, null scores."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from lauter.datasets.audio import audio_digest, encode_flac
from lauter.datasets.corpus import Corpus
from lauter.datasets.records import (
    REQUEST_SCHEMA,
    UTTERANCE_SCHEMA,
    VERDICT_SCHEMA,
    Prompt,
    Request,
    described,
)
from lauter.datasets.voices import VOICE_SCHEMA, Voice

RATE = 16000
SENTENCES = [
    ("The lamp, said \"he\", is 3.5 m | away.", "en", "en-US"),
    ("桥下的水很清。", "zh", "cmn"),
    ("明日は七時に起きます。", "ja", "ja-JP"),
]  # fmt: skip
SOMEONE = Voice("someone", "en-US", "female", "CC0-1.0", "by herself, for anything")
SCORES = [
    described("cer", pa.float64(), "Character error rate"),
    described("wer", pa.float64(), "Word error rate"),
    described("transcript", pa.string(), "What was heard"),
    described("sound_print", pa.list_(pa.uint32()), "What it is known by"),
    described("speaker_embedding", pa.list_(pa.float16(), 4), "Who it sounds like"),
]


def judged_corpus(
    folder: Path,
    rows: int = 60,
    *,
    codes: bool = False,
    samples: int = 400,
    judged: bool = True,
    voice: Voice = SOMEONE,
    speakers: Sequence[str] = (),
) -> Corpus:
    """Every tenth row failed, every third of the others is rejected (too high a CER).

    ``speakers`` say the rows in turn; without any, ``voice`` says them all.
    """
    speakers = speakers or [voice.speaker]
    batch = pa.RecordBatch.from_pylist(
        [
            _utterance(number, codes, samples, speakers[number % len(speakers)])
            for number in range(rows)
        ],
        schema=UTTERANCE_SCHEMA,
    )
    ids = batch["request_id"].to_pylist()
    spoken = [number for number in range(rows) if number % 10 != 9]
    scores = pa.Table.from_pylist(
        [
            {
                "request_id": ids[number],
                "cer": 0.5 if rejected(number) else float("nan") if number == 3 else 0.0,
                # A score that no early sample has: types cannot be guessed from the first ones.
                "wer": 0.25 if number == rows - 3 else None,
                "transcript": "what was heard",
                "sound_print": [number, 2**32 - 1],
                "speaker_embedding": np.array([0.5, -0.25, 0.0, 1.0], np.float16),
                "asr_fingerprint": "ears-1",
            }
            for number in spoken
        ],
        schema=pa.schema(
            [
                REQUEST_SCHEMA.field("request_id"),
                *SCORES,
                described("asr_fingerprint", pa.string(), "Which ears"),
            ]
        ),
    )
    failed = [{"gate": "cer", "score": "cer", "figure": 0.5, "threshold": 0.2,
               "reason": "it says something else"}]  # fmt: skip
    verdicts = pa.Table.from_pylist(
        [
            {"request_id": ids[number], "policy": "p1", "accepted": not rejected(number),
             "failed_gates": failed if rejected(number) else []}
            for number in spoken
        ],
        schema=VERDICT_SCHEMA,
    )  # fmt: skip
    corpus = Corpus.create(folder)
    with corpus.writing() as writer:
        writer.append(batch)
        writer.flush()
        writer.put_scores(scores)
        writer.put_voices(
            pa.Table.from_pylist(
                [asdict(voice) | {"reference_text": None, "reference_audio": None}],
                schema=VOICE_SCHEMA,
            )
        )
        if judged:
            writer.put_verdicts("strict", "p1", "gates: []\n", verdicts)
    return Corpus.open(folder)


def rejected(number: int) -> bool:
    return number // 3 % 3 == 0


def accepted_numbers(rows: int) -> list[int]:
    return [number for number in range(rows) if number % 10 != 9 and not rejected(number)]


def flac_of(number: int, samples: int = 400) -> bytes:
    """Noise of its own length for each number."""
    noise = np.random.default_rng(number).standard_normal(samples + number)
    return encode_flac((0.1 * noise).astype(np.float32), RATE)


def request_of(number: int, speaker: str = SOMEONE.speaker) -> Request:
    text, language, dialect = SENTENCES[number % 3]
    prompt = Prompt(
        f"{text} {number // 6}", language, dialect, emotion="joy", emotion_level=2,
        speaker=speaker, text_source="tests", text_licence="Apache-2.0",
    )  # fmt: skip
    return Request(prompt, "noise", "noise-1", number).identified()


def _utterance(number: int, codes: bool, samples: int, speaker: str) -> dict[str, object]:
    request = request_of(number, speaker)
    failed = number % 10 == 9
    flac = flac_of(number, samples)
    return asdict(request.prompt) | {
        "request_id": request.request_id,
        "prompt_id": request.prompt.prompt_id,
        "teacher": "noise",
        "teacher_fingerprint": "noise-1",
        "seed": number,
        "audio": None if failed else flac,
        "audio_digest": None if failed else audio_digest(flac),
        "sample_rate": None if failed else RATE,
        "duration_s": None if failed else (samples + number) / RATE,
        "codes": [65536, 65537 + number] if codes and not failed else None,
        "attempts": 1,
        "wall_s": 0.5,
        "device_s": 0.5,
        "error_kind": "failed" if failed else None,
        "error": "it would not" if failed else None,
    }
