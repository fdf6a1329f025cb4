"""`/v1/audio/speech`: text in, sound out."""

import asyncio

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from lauter.datasets.audio import Samples
from lauter.datasets.codes import Codes, find_fault
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import END
from lauter.datasets.records import Prompt
from lauter.datasets.speech_length import most_codes
from lauter.datasets.tags import Dialect, Emotion, Style
from lauter.orchestration.serve.answers import Asking, in_time
from lauter.orchestration.serve.complaints import NoSpeechError
from lauter.orchestration.serve.drawing import check_model, tasks_of
from lauter.orchestration.serve.served import Served
from lauter.orchestration.serve.wire import SpeechBody
from lauter.orchestration.sound import MEDIA_TYPES, as_bytes
from lauter.student.facts import CELLS
from lauter.student.marks import student_marks
from lauter.student.serving.batching import Task
from lauter.student.speak import SpeechRequest


async def speak(served: Served, request: Request, body: SpeechBody) -> Response:
    """Answer a body with the whole sound."""
    check_model(served, body)
    served.check_decoder()
    prompt = _prompt(served, body)
    asked = SpeechRequest(prompt)
    student = served.student
    timbre, ids = student.timbre_of(asked), student.prompt_of(asked)
    limit = min(most_codes(body.input, body.speed_level), student.sampling.max_codes)
    room = student.model.config.context - len(ids)
    tasks = tasks_of(served, body, [ids], choices=1, max_ids=min(limit + 1, room))

    async def heard() -> Samples:
        codes = codes_of(served, await said(served, tasks))
        return await asyncio.wrap_future(served.decoding.decode(codes, timbre))

    samples = await in_time(served, request, heard())
    kind = body.response_format
    marks = student_marks(served.name, served.checkpoint, prompt, tasks[0].seed)
    encoded = await asyncio.to_thread(as_bytes, samples, served.decoding.sample_rate, kind, marks)
    return Response(encoded, media_type=MEDIA_TYPES[kind])


async def said(served: Served, tasks: list[Task]) -> list[int]:
    """Return all that one task says."""
    asking = Asking(served, tasks)
    try:
        return [one.id async for piece in asking.pieces() for one in piece]
    finally:
        asking.close()


def codes_of(served: Served, ids: list[int]) -> Codes:
    """Return the codes of what was said; raises ``NoSpeechError`` where there are none."""
    if not ids or ids[-1] != END:
        raise NoSpeechError(
            "the model did not come to an end of this text; ask with another seed, or for less text"
        )
    codes = served.student.model.config.vocabulary.codes_of(np.asarray(ids[:-1], np.int64))
    if fault := find_fault(codes):
        raise NoSpeechError(
            f"what the model said is no speech (at code {fault.position} the stream {fault.what}); "
            "ask with another seed"
        )
    if not len(codes):
        raise NoSpeechError("the model fell silent at once; ask with another seed")
    return codes


def _prompt(served: Served, body: SpeechBody) -> Prompt:
    if len(body.input) > served.limits.characters:
        raise UsageError(
            f"the input has {len(body.input)} characters, and this server says "
            f"{served.limits.characters} at once; send it in parts"
        )
    cells = served.student.facts.get(CELLS, ())
    dialect = body.dialect or (cells[0]["dialect"] if cells else Dialect.EN_US.value)
    for name, word, known in (
        ("dialect", dialect, list(Dialect)),
        ("emotion", body.emotion, list(Emotion)),
        ("style", body.style, list(Style)),
    ):
        heard = sorted({cell[name] for cell in cells if name in cell}) or known
        if word not in heard:
            raise UsageError(f"this model knows no {name} '{word}'; choose {', '.join(heard)}")
    voice = body.voice if isinstance(body.voice, str) else body.voice.id if body.voice else ""
    if voice and voice not in served.student.speakers:
        raise UsageError(
            f"this model has no voice '{voice}'; it has {', '.join(served.student.speakers)}"
        )
    return Prompt(
        text=body.input,
        language=Dialect(dialect).language.value,
        dialect=dialect,
        emotion=body.emotion,
        emotion_level=body.emotion_level,
        style=body.style,
        speed_level=body.speed_level,
        speaker=voice,
    )
