"""Recordings become utterances: the same rows as a teacher's, so all that follows is shared.

The teacher is called ``import`` and its fingerprint is the origin's; the seed is a number taken
from the sound's own digest. So ids follow the one law of all requests, the same sound with the
same words has the same id wherever it lies, and importing it twice adds nothing. A row that cannot
be imported is a row with an error; where its sound is unknown, its key stands in for it.

Decoding and encoding are the cost (about 1 ms for 3 s of speech) and happen outside Python's
global lock, so threads are enough to use every core.
"""

import time
import unicodedata
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.imports.languages import resolve_dialect
from lauter.datasets.imports.manner import manner_of
from lauter.datasets.imports.recording import Origin, Recording, Source
from lauter.datasets.imports.sound import SOUND_DOMAIN, cut_of, sound_of
from lauter.datasets.records import UTTERANCE_SCHEMA, Prompt, Request, described

TEACHER = "import"

IMPORTED_SCHEMA = pa.schema(
    [
        *UTTERANCE_SCHEMA,
        described("transcript", pa.string(), "What the source's own recogniser heard, if it tells"),
    ]
)
"""An utterance, and the hypothesis that came with it: with one, CER needs no recogniser."""

Row = dict[str, Any]
Convert = Callable[[Sequence[Recording]], pa.RecordBatch]


def utterances_from(
    source: Source,
    *,
    known: Container[str] = frozenset(),
    batch_size: int = 64,
    threads: int = 1,
) -> Iterator[pa.RecordBatch]:
    """Yield a source's recordings as batches of ``IMPORTED_SCHEMA``, in the source's order.

    Rows whose id is in ``known`` are left out before they are encoded, and what the source holds
    twice is given once (the ids given are kept in memory: about 150 bytes each). At most
    ``2 · threads + 1`` batches are held at a time.

    Raises ``UsageError`` where the source is unusable; what stood before that place has been
    yielded by then.
    """
    recordings = iter(source)
    first = next(recordings, None)
    if first is None:
        raise UsageError(f"{source} holds no recording; nothing was imported")
    if not first.fault:
        _require_language(first, source.origin)
    convert = partial(import_recordings, origin=source.origin, known=known)
    batches = _batched(chain([first], recordings), batch_size)
    given: set[str] = set()
    for batch in _converted(convert, batches, threads):
        fresh = []
        for request_id in batch["request_id"].to_pylist():
            fresh.append(request_id not in given)
            given.add(request_id)
        if any(fresh):
            yield batch if all(fresh) else batch.filter(pa.array(fresh))


def import_recordings(
    recordings: Iterable[Recording], *, origin: Origin, known: Container[str] = frozenset()
) -> pa.RecordBatch:
    """Return recordings as one batch of ``IMPORTED_SCHEMA``, without those that are ``known``."""
    fingerprint = origin.fingerprint()
    rows = []
    for recording in recordings:
        started = time.perf_counter()
        row = _import(recording, origin, fingerprint, known)
        if row is not None:
            rows.append(row | {"wall_s": time.perf_counter() - started})
    return pa.RecordBatch.from_pylist(rows, schema=IMPORTED_SCHEMA)


def _import(
    recording: Recording, origin: Origin, fingerprint: str, known: Container[str]
) -> Row | None:
    try:
        if recording.fault:
            raise UsageError(recording.fault)
        prompt = _prompt(recording, origin)
        with cut_of(recording) as cut:
            request = _request(prompt, fingerprint, cut.identity)
            if request.request_id in known:
                return None
            sound = sound_of(cut, origin.sample_rate)
    except UsageError as error:
        return _failed(recording, origin, fingerprint, known, str(error))
    except Exception as error:  # whatever a decoder may throw takes its own row and no other
        return _failed(recording, origin, fingerprint, known, f"{type(error).__name__}: {error}")
    return _row(request, recording) | {
        "audio": sound.flac,
        "audio_digest": sound.digest,
        "sample_rate": sound.sample_rate,
        "duration_s": sound.duration_s,
    }


def _prompt(recording: Recording, origin: Origin) -> Prompt:
    language, dialect = resolve_dialect(
        (recording.dialect, recording.language), (origin.dialect, origin.language)
    )
    text = _normal(recording.text)
    if not text:
        raise UsageError("it has no text; without one nothing can be measured against it")
    return Prompt(
        text,
        language.value,
        dialect.value,
        **manner_of(recording.manner),
        speaker=recording.speaker or origin.speaker,
        text_source=origin.name,
        text_licence=recording.licence or origin.licence,
    )


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def _request(prompt: Prompt, fingerprint: str, identity: str) -> Request:
    """Bind a prompt to a sound: 63 bits of the sound's digest are the seed."""
    return Request(prompt, TEACHER, fingerprint, int(identity[:16], 16) >> 1).identified()


def _failed(
    recording: Recording, origin: Origin, fingerprint: str, known: Container[str], error: str
) -> Row | None:
    prompt = Prompt(
        _normal(recording.text),
        recording.language or origin.language,
        recording.dialect or origin.dialect,
        speaker=recording.speaker or origin.speaker,
        text_source=origin.name,
        text_licence=recording.licence or origin.licence,
    )
    identity = content_id(SOUND_DOMAIN, {"key": recording.key})
    request = _request(prompt, fingerprint, identity)
    if request.request_id in known:
        return None
    return _row(request, recording) | {
        "error_kind": "failed",
        "error": f"{recording.key}: {error}",
    }


def _row(request: Request, recording: Recording) -> Row:
    prompt = request.prompt
    return {
        "request_id": request.request_id,
        "prompt_id": prompt.prompt_id,
        "text": prompt.text,
        "language": prompt.language,
        "dialect": prompt.dialect,
        "emotion": prompt.emotion,
        "emotion_level": prompt.emotion_level,
        "style": prompt.style,
        "speed_level": prompt.speed_level,
        "speaker": prompt.speaker,
        "text_source": prompt.text_source,
        "text_licence": prompt.text_licence,
        "teacher": request.teacher,
        "teacher_fingerprint": request.teacher_fingerprint,
        "seed": request.seed,
        "attempts": 1,
        "device_s": 0.0,
        "transcript": recording.transcript,
    }


def _require_language(recording: Recording, origin: Origin) -> None:
    """Refuse the whole import where its first row has neither language nor default."""
    if recording.language or recording.dialect or origin.language or origin.dialect:
        return
    try:
        resolve_dialect((), ())
    except UsageError as error:
        raise UsageError(f"{recording.key}: {error}") from error


def _batched(recordings: Iterable[Recording], size: int) -> Iterator[list[Recording]]:
    """Yield lists of ``size``; what was read before an error is yielded before it is raised."""
    batch: list[Recording] = []
    try:
        for recording in recordings:
            batch.append(recording)
            if len(batch) == size:
                yield batch
                batch = []
    except UsageError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _converted(
    convert: Convert, batches: Iterator[list[Recording]], threads: int
) -> Iterator[pa.RecordBatch]:
    """Convert batches in order, up to ``threads`` at a time."""
    if threads <= 1:
        yield from map(convert, batches)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="import")
    waiting: deque[Future[pa.RecordBatch]] = deque()
    failure: UsageError | None = None
    try:
        while failure is None:
            try:
                batch = next(batches, None)
            except UsageError as error:
                failure = error
                break
            if batch is None:
                break
            waiting.append(pool.submit(convert, batch))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(cancel_futures=True)
