"""Utterances with bytes for audio, for tests of what stores and moves them."""

from dataclasses import asdict

import pyarrow as pa

from lauter.datasets.records import REQUEST_SCHEMA, UTTERANCE_SCHEMA, Prompt, Request


def utterances(numbers: range, audio_bytes: int = 200, **columns: object) -> pa.RecordBatch:
    rows = []
    for number in numbers:
        prompt = Prompt(f"Sentence {number}.", "en", "en-US", speaker="someone")
        request = Request(prompt, "canned", "canned-1", 0).identified()
        failed = number % 10 == 9
        rows.append(
            asdict(prompt)
            | {
                "request_id": request.request_id,
                "prompt_id": prompt.prompt_id,
                "teacher": "canned",
                "teacher_fingerprint": "canned-1",
                "seed": 0,
                "audio": None if failed else number.to_bytes(4) * (audio_bytes // 4),
                "audio_digest": None if failed else f"{number:032x}",
                "sample_rate": 24000,
                "duration_s": 1.0,
                "attempts": 1,
                "wall_s": 0.5,
                "device_s": 0.5,
                "error_kind": "failed" if failed else None,
                "error": "it would not" if failed else None,
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=UTTERANCE_SCHEMA)


def requests(numbers: range) -> pa.Table:
    return pa.Table.from_batches([utterances(numbers)]).select(REQUEST_SCHEMA.names)


def ids(numbers: range) -> list[str]:
    return [str(i) for i in utterances(numbers)["request_id"].to_pylist()]
