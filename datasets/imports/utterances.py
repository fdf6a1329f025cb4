"""Recordings become utterances: the same rows as a teacher's, so all that follows is shared.

Two ways lead there. ``utterances_from`` does all in one pass, in threads of this process: decoding
and encoding are the cost (about 1 ms for 3 s of speech) and happen outside Python's global lock.
``requests_from`` only reads and names the recordings, so that what a corpus has already can be
taken away and an engine's workers do the rest with ``speech_of``. Both give the same rows.

A recording that cannot be imported is a row with an error, and takes no other along.
"""

import time
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.imports.recording import (
    RECORDING_TYPE,
    Origin,
    Recording,
    Source,
    recording_from,
    recording_row,
)
from lauter.datasets.imports.requests import failed_request, prompt_of, request_of, request_row
from lauter.datasets.imports.sound import Cut, cut_of, sound_of
from lauter.datasets.imports.stream import stream
from lauter.datasets.mark_columns import SYNTHETIC_FIELD
from lauter.datasets.records import REQUEST_FIELDS, SPEECH_FIELDS, Request, described

IMPORTED_SPEECH_SCHEMA = pa.schema(
    [
        *SPEECH_FIELDS,
        described("transcript", pa.string(), "What the source's own recogniser heard, if it tells"),
        SYNTHETIC_FIELD,
    ]
)
"""What comes back for a recording, the hypothesis that came with it (with one, CER needs no
recogniser), and whether it is synthetic, as its mark says or else its origin."""

IMPORTED_SCHEMA = pa.schema([*REQUEST_FIELDS, *IMPORTED_SPEECH_SCHEMA])
"""An utterance, as ``UTTERANCE_SCHEMA`` has it, a transcript, and whether it is synthetic."""

PLANNED_SCHEMA = pa.schema(
    [
        *REQUEST_FIELDS,
        described("recording", RECORDING_TYPE, "Where the speech lies", nullable=False),
    ]
)
"""A request, and the recording that answers it."""

Row = dict[str, Any]
NOTHING: frozenset[str] = frozenset()


def utterances_from(
    source: Source, *, known: Container[str] = NOTHING, batch_size: int = 64, threads: int = 1
) -> Iterator[pa.RecordBatch]:
    """Yield a source's recordings as batches of ``IMPORTED_SCHEMA``, in the source's order.

    Rows whose id is in ``known`` are left out before they are encoded; for the rest see ``stream``.
    """
    convert = partial(import_recordings, origin=source.origin, known=known)
    return stream(source, convert, batch_size=batch_size, threads=threads)


def requests_from(
    source: Source, *, known: Container[str] = NOTHING, batch_size: int = 1024, threads: int = 1
) -> Iterator[pa.RecordBatch]:
    """Yield the requests that a source's recordings answer, as batches of ``PLANNED_SCHEMA``.

    The audio is read for its digest and not decoded. A recording that cannot be imported as it is
    described carries the reason in its ``fault``.
    """
    convert = partial(_plan, origin=source.origin, known=known)
    return stream(source, convert, batch_size=batch_size, threads=threads)


def speech_of(planned: pa.RecordBatch, *, origin: Origin, threads: int = 1) -> pa.RecordBatch:
    """Return, for each row of ``PLANNED_SCHEMA`` and in order, its ``IMPORTED_SPEECH_SCHEMA``."""
    take_in = partial(_take_in, origin=origin)
    recordings = map(recording_from, planned["recording"].to_pylist())
    if threads <= 1:
        rows = list(map(take_in, recordings))
    else:
        with ThreadPoolExecutor(threads, thread_name_prefix="import") as pool:
            rows = list(pool.map(take_in, recordings))
    return pa.RecordBatch.from_pylist(rows, schema=IMPORTED_SPEECH_SCHEMA)


def import_recordings(
    recordings: Iterable[Recording], *, origin: Origin, known: Container[str] = NOTHING
) -> pa.RecordBatch:
    """Return recordings as one batch of ``IMPORTED_SCHEMA``, without those that are ``known``."""
    fingerprint = origin.fingerprint()
    rows = []
    for recording in recordings:
        started = time.perf_counter()
        request: Request | None = None
        try:
            prompt = prompt_of(recording, origin)
            with cut_of(recording) as cut:
                request = request_of(prompt, fingerprint, cut.identity)
                if request.request_id in known:
                    continue
                speech = _speech(recording, cut, origin)
        except Exception as error:
            # A sound that turns out to be damaged when it is decoded has been named by then.
            request = request or failed_request(recording, origin, fingerprint)
            if request.request_id in known:
                continue
            speech = _failure(recording, error)
        wall_s = time.perf_counter() - started
        rows.append(request_row(request) | speech | {"wall_s": wall_s})
    return pa.RecordBatch.from_pylist(rows, schema=IMPORTED_SCHEMA)


def _plan(
    recordings: Iterable[Recording], *, origin: Origin, known: Container[str]
) -> pa.RecordBatch:
    fingerprint = origin.fingerprint()
    rows = []
    for recording in recordings:
        try:
            prompt = prompt_of(recording, origin)
            with cut_of(recording) as cut:
                request = request_of(prompt, fingerprint, cut.identity)
        except Exception as error:
            request = failed_request(recording, origin, fingerprint)
            recording = replace(recording, fault=sentence_of(error))
        if request.request_id not in known:
            rows.append(request_row(request) | {"recording": recording_row(recording)})
    return pa.RecordBatch.from_pylist(rows, schema=PLANNED_SCHEMA)


def _take_in(recording: Recording, origin: Origin) -> Row:
    started = time.perf_counter()
    try:
        if recording.fault:
            raise UsageError(recording.fault)
        with cut_of(recording) as cut:
            row = _speech(recording, cut, origin)
    except Exception as error:
        row = _failure(recording, error)
    return row | {"wall_s": time.perf_counter() - started}


def _speech(recording: Recording, cut: Cut, origin: Origin) -> Row:
    sound = sound_of(cut, origin.sample_rate)
    return {
        "audio": sound.flac,
        "audio_digest": sound.digest,
        "sample_rate": sound.sample_rate,
        "duration_s": sound.duration_s,
        "attempts": 1,
        "device_s": 0.0,
        "transcript": recording.transcript,
        SYNTHETIC_FIELD.name: cut.marks.synthetic if cut.marks else origin.synthetic,
    }


def _failure(recording: Recording, error: Exception) -> Row:
    return {
        "attempts": 1,
        "device_s": 0.0,
        "error_kind": "failed",
        "error": f"{recording.key}: {sentence_of(error)}",
        "transcript": recording.transcript,
    }


def sentence_of(error: Exception) -> str:
    """Return what went wrong; what is no sentence of ours comes with the exception's name."""
    said = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
    return said.encode(errors="replace").decode()
