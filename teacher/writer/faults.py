"""What can be wrong with an answer or a text: a countable kind, and one sentence about this one."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """Kinds of faults, as reports count them."""

    PROSE = "prose instead of JSON"
    WRONG_FORM = "JSON of another form"
    REFUSED = "the writer refused"
    CUT_OFF = "cut off"
    SERVER = "the server failed"
    TOO_FEW = "too few texts"
    NO_MORE = "no more texts"
    EMPTY = "empty"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    UNSAYABLE = "not sayable"
    WRONG_LANGUAGE = "wrong language"
    WRONG_DIALECT = "wrong dialect"
    UNSAFE = "unsafe"
    REPEATED = "repeats a text of this run"
    KNOWN = "repeats a text of an earlier run"


ADVICE = {
    FaultKind.PROSE: "choose a model that keeps to response_format, or lower writer.temperature",
    FaultKind.WRONG_FORM: 'the answer is {"texts": ["…"]}; choose a model that keeps to it',
    FaultKind.REFUSED: "look at the asks in dead-letters.jsonl, and ask another model or topic",
    FaultKind.CUT_OFF: "raise writer.max_tokens or lower write.per_ask",
    FaultKind.SERVER: "see that the server is up, and run the same command again",
    FaultKind.TOO_FEW: "ask for fewer texts or more topics, or raise writer.attempts",
    FaultKind.NO_MORE: "ask for fewer texts, or for more topics, genres and registers",
    FaultKind.EMPTY: "choose another model",
    FaultKind.TOO_SHORT: "lower the least length in write.lengths, or choose another model",
    FaultKind.TOO_LONG: "raise the greatest length in write.lengths, or choose another model",
    FaultKind.UNSAYABLE: "choose a model that writes sentences only, without signs and links",
    FaultKind.WRONG_LANGUAGE: "choose a model that writes the language",
    FaultKind.WRONG_DIALECT: "choose a model that writes the dialect",
    FaultKind.UNSAFE: "nothing need be done: it was left out",
    FaultKind.REPEATED: "others were asked for in their place",
    FaultKind.KNOWN: "others were asked for in their place",
}
"""What the caller can do about each kind."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, as a kind and in a sentence that a writer can act on."""

    kind: FaultKind
    sentence: str
