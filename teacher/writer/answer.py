"""What a model must answer, and how it is found in what it did answer.

Models that are not held to a schema put JSON into fences, or a sentence before it. Such an answer
is taken: what counts is that one JSON object of the right form stands in it. Anything else is a
fault with a sentence that the model is told when it is asked again.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lauter.teacher.writer.faults import Fault, FaultKind


class Answer(BaseModel):
    """The structured answer: the texts, and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)

    texts: list[str] = Field(description="The texts, each one line to be spoken")


RESPONSE_FORMAT: Final[dict[str, Any]] = {
    "type": "json_schema",
    "json_schema": {"name": "texts", "strict": True, "schema": Answer.model_json_schema()},
}
"""What a server is told of the answer's form, in the words of OpenAI's API."""

MOST_CHARACTERS: Final = 1_000_000
"""No answer is longer; what is, is not searched."""

_REFUSAL = re.compile(
    r"\b(I(?:'|’)?m sorry|I apologi[sz]e|I can(?:no|')t|I can’t|I(?:'|’)?m (?:not able|unable)|"
    r"as an AI)\b|抱歉|对不起，我|我(?:无法|不能)|作为(?:一个)?(?:AI|人工智能)|"
    r"申し訳(?:ありません|ございません)|できません|お応えできません|죄송합니다|할 수 없습니다",
    re.IGNORECASE,
)
_SHOWN = 60
_HALVES = re.compile(r"[\ud800-\udfff]")


def without_halves(text: str) -> str:
    """Return a text in which halves of characters, which JSON may name, are U+FFFD."""
    return _HALVES.sub("\ufffd", text)


def parse_answer(content: str) -> Answer | Fault:
    """Return the answer that stands in ``content``, or what is wrong with it."""
    found = list(_objects(content[:MOST_CHARACTERS]))
    for value in found:
        try:
            return Answer.model_validate(value)
        except ValidationError:
            continue
    if found:
        return Fault(FaultKind.WRONG_FORM, f"the JSON has another form: {_why(found[0])}")
    shown = " ".join(content.split())[:_SHOWN]
    if _REFUSAL.search(content):
        return Fault(FaultKind.REFUSED, f"the request was refused: '{shown}'")
    return Fault(FaultKind.PROSE, f"the answer is not JSON: '{shown}'")


def _objects(content: str) -> Iterator[Any]:
    """Yield the JSON objects in a text, none of them a part of another."""
    decoder = json.JSONDecoder()
    place = content.find("{")
    while place >= 0:
        try:
            value, place = decoder.raw_decode(content, place)
            yield value
        except (RecursionError, ValueError):
            place += 1
        place = content.find("{", place)


def _why(value: Any) -> str:
    try:
        Answer.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        return f"{place}: {first['msg']}"
    raise AssertionError("a valid answer is no fault")
