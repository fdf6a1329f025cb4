"""`/v1/chat/completions`: a dialogue in, its next turn out, as text and as sound.

The turns are laid out as the models have learnt them (``datasets/layout.py``), so a chat model
answers, and a student of speech says what the user wrote: for it the next turn is speech. Text in
an answer is its text, codes are its audio.
"""

import asyncio
import base64
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lauter.datasets.audio import Samples
from lauter.datasets.codes import Codes
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import BEGIN, BOS, END, Ids
from lauter.datasets.marking import Marks
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Dialect
from lauter.orchestration.serve.answers import Asking, Events, event, in_time, told_errors
from lauter.orchestration.serve.drawing import check_model, tasks_of
from lauter.orchestration.serve.served import Served
from lauter.orchestration.serve.speech import codes_of
from lauter.orchestration.serve.spelling import Speller
from lauter.orchestration.serve.wire import ChatBody, Message
from lauter.orchestration.sound import as_bytes
from lauter.student.facts import CELLS
from lauter.student.marks import student_marks
from lauter.student.serving.batching import Task

_ROLES: Final = {"user": "human", "assistant": "assistant"}


async def chat(served: Served, request: Request, body: ChatBody) -> Response:
    """Answer a body, whole or as a stream."""
    check_model(served, body)
    wants_audio = "audio" in body.modalities
    if body.stream and wants_audio:
        raise UsageError("audio comes whole; leave out stream, or leave audio out of modalities")
    if wants_audio and body.n > 1:
        raise UsageError("audio comes once; leave out n, or send several requests")
    if wants_audio:
        served.check_decoder()
    voice = _voice(served, body)
    ids = dialogue(served, body.messages, voice)
    most = body.max_completion_tokens or body.max_tokens
    tasks = tasks_of(served, body, [ids], choices=body.n, max_ids=most)
    asking = Asking(served, tasks)
    if body.stream:
        return Events(asking, told_errors(_events(served, body, tasks, asking)))
    try:
        content = await in_time(
            served, request, _whole(served, body, tasks, asking, voice if wants_audio else None)
        )
    finally:
        asking.close()
    return JSONResponse(content)


def dialogue(served: Served, messages: list[Message], voice: str) -> Ids:
    """Return the ids of a dialogue and the beginning of its next turn.

    A student of speech knows its speaker as the system turn, which stands there where the messages
    have none.
    """
    encode = served.student.tokenizer.encode
    ids = [BOS]
    told = [text_of(one) for one in messages if one.role in ("system", "developer")]
    ids += [BEGIN, *encode("system\n"), *encode("\n".join(told) or voice), END]
    for one in messages:
        if one.role in _ROLES:
            ids += [BEGIN, *encode(f"{_ROLES[one.role]}\n"), *encode(text_of(one)), END]
    if messages[-1].role != "user":
        raise UsageError("the last message is not the user's; there is nothing to answer")
    return np.asarray([*ids, BEGIN, *encode("assistant\n")], np.int64)


def text_of(message: Message) -> str:
    """Return what a message says; raises ``UsageError`` for parts that are no text."""
    content = message.content
    if not content and message.role == "assistant":
        raise UsageError("an assistant's message says nothing; give its words as content")
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        if part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise UsageError(
                f"a message has a part of type '{part.get('type')}'; this server reads text"
            )
    return "".join(part["text"] for part in content)


def _voice(served: Served, body: ChatBody) -> str:
    asked = body.audio.voice if body.audio else ""
    name = asked if isinstance(asked, str) else asked.id
    known = served.student.speakers
    if name and name not in known:
        raise UsageError(f"this model has no voice '{name}'; it has {', '.join(known)}")
    return name or (known or [""])[0]


def _head(served: Served, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": served.name,
    }


async def _whole(
    served: Served, body: ChatBody, tasks: list[Task], asking: Asking, voice: str | None
) -> dict[str, Any]:
    said: list[list[int]] = [[] for _ in tasks]
    finishes = ["stop"] * len(tasks)
    async for piece in asking.pieces():
        for one in piece:
            said[int(one.key)].append(one.id)
            finishes[int(one.key)] = one.finish or "stop"
    choices = []
    for number, ids in enumerate(said):
        message: dict[str, Any] = {"role": "assistant", "content": _text(served, ids)}
        if voice is not None:
            marks = _marks(served, body, voice, tasks[number].seed)
            message["audio"] = await _audio(served, body, ids, voice, marks)
            message["content"] = None
        choices.append(
            {
                "index": number,
                "message": message | {"refusal": None},
                "finish_reason": finishes[number],
                "logprobs": None,
            }
        )
    used = _usage(tasks, sum(map(len, said)))
    return _head(served, "chat.completion") | {"choices": choices, "usage": used}


def _usage(tasks: list[Task], written: int) -> dict[str, int]:
    read = len(tasks[0].prompt)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _text(served: Served, ids: list[int], *, codes: bool = True) -> str:
    student = served.student
    vocabulary = student.model.config.vocabulary
    speller = Speller(student.tokenizer, vocabulary)
    shown = [one for one in ids if codes or one < vocabulary.text_size]
    return "".join(map(speller.spell, shown)) + speller.rest()


def _marks(served: Served, body: ChatBody, voice: str, seed: int) -> Marks:
    """Return the mark of an answer: what it answers is the whole dialogue."""
    cells = served.student.facts.get(CELLS, ())
    dialect = Dialect(cells[0]["dialect"] if cells else Dialect.EN_US)
    said = "\n".join(f"{one.role}: {text_of(one)}" for one in body.messages)
    prompt = Prompt(said, dialect.language.value, dialect.value, speaker=voice)
    return student_marks(served.name, served.checkpoint, prompt, seed)


async def _audio(
    served: Served, body: ChatBody, ids: list[int], voice: str, marks: Marks
) -> dict[str, Any]:
    first = served.student.model.config.text_size
    codes: Codes = codes_of(served, [one for one in ids if one >= first or one == END])
    timbre = served.student.timbre_of_voice(voice)
    samples: Samples = await asyncio.wrap_future(served.decoding.decode(codes, timbre))
    kind = body.audio.format if body.audio else "wav"
    sound = await asyncio.to_thread(as_bytes, samples, served.decoding.sample_rate, kind, marks)
    return {
        "id": f"audio_{uuid.uuid4().hex}",
        "data": base64.b64encode(sound).decode(),
        "expires_at": int(time.time()),  # nothing is kept
        "transcript": _text(served, ids, codes=False) or text_of(body.messages[-1]),
    }


async def _events(
    served: Served, body: ChatBody, tasks: list[Task], asking: Asking
) -> AsyncIterator[bytes]:
    head = _head(served, "chat.completion.chunk")
    student = served.student
    spellers = [Speller(student.tokenizer, student.model.config.vocabulary) for _ in tasks]
    for number in range(len(tasks)):
        yield event(head | {"choices": [_delta(number, {"role": "assistant", "content": ""})]})
    written = 0
    async for piece in asking.pieces(served.stream_s):
        written += len(piece)
        for one in piece:
            number = int(one.key)
            text = spellers[number].spell(one.id)
            if one.finish:
                text += spellers[number].rest()
            delta = {"content": text} if text else {}
            if delta or one.finish:
                yield event(head | {"choices": [_delta(number, delta, one.finish)]})
    if body.stream_options is not None and body.stream_options.include_usage:
        yield event(head | {"choices": [], "usage": _usage(tasks, written)})
    yield b"data: [DONE]\n\n"


def _delta(number: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": number, "delta": delta, "finish_reason": finish, "logprobs": None}
