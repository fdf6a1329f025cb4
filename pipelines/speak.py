"""The speaking stage: requests go to a teacher, speech or an error comes back for each.

A failing row is a row. A batch that raises or runs out of time is asked again one request at a
time, so that one bad request never takes its neighbours along; a request is asked at most
``attempts`` times and then becomes an utterance with an error: the dead letter, with its request
and the exception beside it.
"""

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

import pyarrow as pa

from lauter.datasets.audio import audio_digest, encode_flac
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.layout import Reference
from lauter.datasets.lineage import PARENT_FIELD
from lauter.datasets.location import Location
from lauter.datasets.records import (
    REQUEST_SCHEMA,
    SERVER_ATTEMPTS_FIELD,
    SPEECH_FIELDS,
    TOP_LOGITS,
    TOP_LOGITS_FIELDS,
    Request,
    requests_of,
)
from lauter.pipelines.generations import Parents
from lauter.pipelines.stage import BatchFunction, Resources
from lauter.teacher.device_time import DeviceTime
from lauter.teacher.ensemble import who_speaks
from lauter.teacher.protocol import (
    EditingTeacher,
    Speech,
    Teacher,
    UnspokenError,
    close,
    parts_of,
)

Answers = Sequence[Speech | Exception]


class TeacherTimedOutError(Exception):
    """A teacher did not answer in time."""


@dataclass(frozen=True)
class Speak:
    """Adds ``SPEECH_FIELDS`` to requests.

    ``timeout_s`` is per request; a batch has as many times that (None: the teacher keeps its own
    time, as pools of servers do, whose answers a time-out here would throw away). ``back_off_s`` is
    the wait before the second attempt, doubled with each further one and jittered. A teacher that
    answers in codes (``codes``) leaves the audio to the stage that decodes; with ``logits`` its
    likeliest codes are kept as well. Of a teacher that edits what was spoken, ``parents`` is the
    corpus where that is.
    """

    open_teacher: Callable[[], Teacher]
    resources: Resources = field(default_factory=Resources)
    attempts: int = 3
    timeout_s: float | None = 120.0
    back_off_s: float = 0.5
    codes: bool = False
    logits: bool = False
    parents: Location | None = None
    name: str = "speak"

    @property
    def reads(self) -> Sequence[str]:
        """All of a request, and its parent where that is edited."""
        edited = [] if self.parents is None else [PARENT_FIELD.name]
        return (*REQUEST_SCHEMA.names, *edited)

    @property
    def adds(self) -> pa.Schema:
        """Audio or codes, or the error that came instead."""
        more = [SERVER_ATTEMPTS_FIELD] if self.codes else []
        return pa.schema([*SPEECH_FIELDS, *more, *(TOP_LOGITS_FIELDS if self.logits else [])])

    def open(self) -> BatchFunction:
        """Open the teacher and return the function that speaks batches."""
        return _Speaking(self)


class _Speaking:
    """A teacher with patience: attempts, time-outs, and a new teacher after a hang.

    Batches that are spoken at the same time share the worker's seconds in equal parts.
    """

    def __init__(self, stage: Speak) -> None:
        self._stage = stage
        self._teacher = stage.open_teacher()
        self._parents = None if stage.parents is None else Parents(stage.parents)
        self._is_closed = False
        self._lock = threading.Lock()
        self._time = DeviceTime(1, at=time.perf_counter())

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        schema = self._stage.adds
        requests = list(requests_of(batch))
        rows = self._rows(requests, self._parents_of(batch, requests))
        added = pa.RecordBatch.from_pylist(rows, schema=schema)
        return pa.RecordBatch.from_arrays(
            [*batch.columns, *added.columns], schema=pa.schema([*batch.schema, *schema])
        )

    def close(self) -> None:
        self._is_closed = True
        close(self._teacher)

    def _parents_of(
        self, batch: pa.RecordBatch, requests: list[Request]
    ) -> Mapping[str, Reference | UnspokenError]:
        """Return the parents of those requests whose teacher edits what was spoken."""
        if self._parents is None:
            return {}
        who = who_speaks(self._teacher)
        parents = self._parents.of(batch)
        return {
            request.request_id: parents[request.request_id]
            for request in requests
            if request.request_id in parents
            and who(request.prompt.speaker, request.prompt.dialect)[1].edits_parents
        }

    def _rows(
        self, requests: list[Request], parents: Mapping[str, Reference | UnspokenError]
    ) -> list[dict[str, object]]:
        """Return a row for each request; of those whose parent is not there, nothing is asked."""
        orphans = {
            request: _failed(parent, 0.0, 0)
            for request, parent in parents.items()
            if isinstance(parent, UnspokenError)
        }
        asked = [request for request in requests if request.request_id not in orphans]
        spoken = iter(self.speak(asked, parents) if asked else [])
        return [orphans.get(request.request_id) or next(spoken) for request in requests]

    def speak(
        self, requests: list[Request], parents: Mapping[str, Reference | UnspokenError]
    ) -> list[dict[str, object]]:
        answers, seconds = self._ask(requests, parents)
        if isinstance(answers, Exception):
            if len(requests) == 1:
                return [self._persist(requests[0], parents, answers, seconds, attempts=1)]
            return [self._persist(request, parents, None, 0.0, attempts=0) for request in requests]
        shares = parts_of(answers, seconds)
        return [
            self._persist(request, parents, answer, share, attempts=1)
            if isinstance(answer, Exception)
            else self._spoken(request, answer, share, attempts=1)
            for request, answer, share in zip(requests, answers, shares, strict=True)
        ]

    def _persist(
        self,
        request: Request,
        parents: Mapping[str, Reference | UnspokenError],
        error: Exception | None,
        seconds: float,
        attempts: int,
    ) -> dict[str, object]:
        """Ask for one request until it is spoken or its attempts are used up."""
        while attempts < self._stage.attempts and not isinstance(error, _FINAL):
            if self._is_closed:
                error = error or LauterError("the run has ended")
                break
            if attempts:
                pause = self._stage.back_off_s * 2 ** (attempts - 1)
                time.sleep(pause * random.uniform(0.5, 1.5))
            answers, spent = self._ask([request], parents)
            seconds += spent
            attempts += 1
            answer = answers if isinstance(answers, Exception) else answers[0]
            if isinstance(answer, Speech):
                return self._spoken(request, answer, seconds, attempts)
            error = answer
        assert error is not None
        return _failed(error, seconds, attempts)

    def _spoken(
        self, request: Request, speech: Speech, wall_s: float, attempts: int
    ) -> dict[str, object]:
        audio = speech.flac
        duration_s = speech.duration_s
        if speech.samples is not None:
            try:
                audio = encode_flac(speech.samples, speech.sample_rate)
            except UsageError as error:
                return _failed(RuntimeError(f"no speech came: {error}"), wall_s, attempts)
            duration_s = len(speech.samples) / speech.sample_rate
        if not (self._stage.codes and speech.codes) and not (audio and duration_s):
            return _failed(RuntimeError("no speech came: the audio is empty"), wall_s, attempts)
        row: dict[str, object] = {
            "audio": audio,
            "audio_digest": audio_digest(audio) if audio else None,
            "sample_rate": speech.sample_rate or None,
            "duration_s": duration_s,
            "codes": speech.codes,
            "attempts": attempts,
            "wall_s": wall_s,
            "device_s": speech.device_s,
            SERVER_ATTEMPTS_FIELD.name: [asdict(one) for one in speech.server_attempts],
        }
        if speech.top_logits is not None:
            row[TOP_LOGITS] = speech.top_logits
            row[f"{TOP_LOGITS}_fingerprint"] = request.teacher_fingerprint
        return row

    def _ask(
        self, requests: list[Request], parents: Mapping[str, Reference | UnspokenError]
    ) -> tuple[Sequence[Speech | Exception] | Exception, float]:
        """Ask once, with a time-out; a raised exception comes back as a value.

        Beside it stand the worker's seconds that it took.
        """
        before_s = self._part_s(1)
        try:
            answer = self._answer(requests, parents)
        finally:
            after_s = self._part_s(-1)
        return answer, after_s - before_s

    def _answer(
        self, requests: list[Request], parents: Mapping[str, Reference | UnspokenError]
    ) -> Sequence[Speech | Exception] | Exception:
        answers: queue.SimpleQueue[Answers | Exception] = queue.SimpleQueue()
        teacher = self._teacher

        def ask() -> None:
            try:
                spoken = _asked(teacher, requests, parents)
                if len(spoken) != len(requests):
                    raise RuntimeError(
                        f"the teacher '{teacher.name}' gave {len(spoken)} answers "
                        f"to {len(requests)} requests"
                    )
                answers.put([_as_answer(each, teacher.name) for each in spoken])
            except Exception as error:
                answers.put(error)

        threading.Thread(target=ask, daemon=True).start()
        patience = self._stage.timeout_s
        timeout_s = None if patience is None else patience * len(requests)
        try:
            return answers.get(timeout=timeout_s)
        except queue.Empty:
            # A hung thread cannot be ended; it keeps the old teacher, and we take a new one, which
            # may need what the old one holds. Closing may hang as well, so nobody waits for it.
            threading.Thread(target=close, args=(teacher,), daemon=True).start()
            self._teacher = self._stage.open_teacher()
            return TeacherTimedOutError(
                f"the teacher '{teacher.name}' did not answer within {timeout_s:g} s"
            )

    def _part_s(self, by: int) -> float:
        """Let a batch come (1) or go (-1); return one batch's part of the seconds until now."""
        with self._lock:
            self._time = self._time.changed(by, time.perf_counter())
            return self._time.part_s


def _asked(
    teacher: Teacher, requests: list[Request], parents: Mapping[str, Reference | UnspokenError]
) -> Sequence[Speech | Exception]:
    """Ask for edits of what was spoken, where something of it is to be edited, and for speech."""
    found = [parents.get(request.request_id) for request in requests]
    references = [one if isinstance(one, Reference) else None for one in found]
    if not any(references):
        return teacher.speak(requests)
    return cast(EditingTeacher, teacher).edit(requests, references)


def _as_answer(answer: object, teacher: str) -> Speech | Exception:
    if isinstance(answer, Speech | Exception):
        return answer
    return RuntimeError(f"the teacher '{teacher}' gave {type(answer).__name__} and no speech")


_FINAL = (UsageError, UnspokenError)
"""What comes again, however often one asks."""


def _failed(error: Exception, wall_s: float, attempts: int) -> dict[str, object]:
    row: dict[str, object] = {
        "attempts": attempts,
        "wall_s": wall_s,
        "device_s": 0.0,
        "error_kind": "failed",
        "error": f"{type(error).__name__}: {error}",
    }
    if isinstance(error, UsageError):
        return row | {"error_kind": "refused"}
    if isinstance(error, TeacherTimedOutError):
        return row | {"error_kind": "timed_out"}
    if isinstance(error, UnspokenError):
        return row | {
            "error_kind": error.kind,
            "codes": error.codes,
            "device_s": error.device_s,
            SERVER_ATTEMPTS_FIELD.name: [asdict(one) for one in error.server_attempts],
        }
    return row
