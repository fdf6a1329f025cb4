"""Ask, look at what came, ask again for what is missing, and give up in the open.

The rounds: all tasks are asked, the texts that came are checked in the order of the tasks, and what
is still missing is asked for again, with what was wrong said in the ask. So it does not matter how
quickly a server answers whom: the same answers give the same texts, and a run that was stopped is
gone on with by running it again on the cache. The price is that a round waits for its slowest ask.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lauter.teacher.writer.checks import faults_of, tidy
from lauter.teacher.writer.faults import Fault, FaultKind
from lauter.teacher.writer.near_duplicates import NearDuplicates
from lauter.teacher.writer.protocol import Draft, Reply, Writer
from lauter.teacher.writer.table import text_id
from lauter.teacher.writer.task import Ask, Lengths, WritingTask

Row = dict[str, Any]
"""A written text, with the columns of ``WRITTEN_SCHEMA``."""

THIS_RUN = "this run"
"""The origin of texts that are no earlier run's."""
_COMPLAINTS = 8
"""So many are said when it is asked again; more would only make the ask longer."""


@dataclass
class Tally:
    """What was asked, what came and what it cost."""

    written: int = 0
    asks: int = 0
    paid: int = 0
    """Asks that a server worked for in this run."""
    cached: int = 0
    """Asks that an earlier run had paid for."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    """Tokens of the paid asks, where the server tells."""
    faults: Counter[FaultKind] = field(default_factory=Counter)
    """Every fault by its kind, those that were mended by asking again among them."""

    def count(self, reply: Reply) -> None:
        """Count one time of asking."""
        self.asks += 1
        self.paid += reply.paid
        self.cached += reply.cached
        if reply.paid:
            self.prompt_tokens = _sum(self.prompt_tokens, reply.prompt_tokens)
            self.completion_tokens = _sum(self.completion_tokens, reply.completion_tokens)

    @property
    def duplicates(self) -> int:
        """How many texts were dropped because they repeat another."""
        return self.faults[FaultKind.REPEATED] + self.faults[FaultKind.KNOWN]


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A task that stays short: what was asked last, what came, and what is wrong with it."""

    task: WritingTask
    faults: tuple[Fault, ...]
    missing: int
    ask: Mapping[str, Any]
    answer: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as a line of ``dead-letters.jsonl``."""
        return {
            "faults": [{"kind": one.kind.value, "sentence": one.sentence} for one in self.faults],
            "missing": self.missing,
            "task": asdict(self.task),
            "ask": dict(self.ask),
            "answer": self.answer,
        }


@dataclass
class _Open:
    """A task under way."""

    task: WritingTask
    kept: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    last: Reply = field(default_factory=Reply)

    @property
    def missing(self) -> int:
        return self.task.count - len(self.kept)

    def ask(self, attempt: int) -> Ask:
        said = tuple(dict.fromkeys(fault.sentence for fault in self.faults))[:_COMPLAINTS]
        return Ask(self.task, self.missing, said, tuple(self.kept), attempt)


class Gathering:
    """A run of asking; ``tally`` and ``dead_letters`` can be read whenever it is broken off.

    ``on_text`` is given each good text as soon as it is one; ``on_ask`` is told how many asks of
    how many are done.
    """

    def __init__(
        self,
        writer: Writer,
        lengths: Mapping[str, Lengths],
        duplicates: NearDuplicates,
        on_text: Callable[[Row], None],
        on_ask: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._writer = writer
        self._lengths = lengths
        self._duplicates = duplicates
        self._on_text = on_text
        self._on_ask = on_ask
        self.tally = Tally()
        self.dead_letters: list[DeadLetter] = []

    def run(self, tasks: Sequence[WritingTask]) -> None:
        """Ask for all tasks, each as often as the writer wants at most.

        Raises what the writer raises; what came until then has been handed over.
        """
        pending = [_Open(task) for task in tasks]
        given_up: list[_Open] = []
        for attempt in range(self._writer.attempts):
            if not pending:
                break
            done, total = self.tally.asks, self.tally.asks + len(pending)
            # Closed even where the caller is stopped between two texts, so that what is under way
            # is waited for and not lost.
            asks = [one.ask(attempt) for one in pending]
            with contextlib.closing(self._writer.write(asks)) as replies:
                for one, reply in zip(pending, replies, strict=True):
                    self._take(one, reply)
                    done += 1
                    self._on_ask(done, total)
            short = [one for one in pending if one.missing > 0]
            given_up += [one for one in short if one.last.is_final]
            pending = [one for one in short if not one.last.is_final]
        self.dead_letters += [
            DeadLetter(one.task, tuple(one.faults), one.missing, one.last.ask, one.last.answer)
            for one in given_up + pending
        ]

    def _take(self, one: _Open, reply: Reply) -> None:
        self.tally.count(reply)
        one.last = reply
        one.faults = list(reply.faults)
        wanted = one.task.wanted
        texts = [tidy(draft.text) for draft in reply.drafts]
        faults: list[Fault | None] = [None] * len(texts)
        if texts and not reply.is_checked:
            faults = faults_of(texts, wanted, self._lengths[wanted.language])
        for draft, text, fault in zip(reply.drafts, texts, faults, strict=True):
            if not one.missing:
                break  # more came than was asked for
            wrong = fault or self._repetition(text, one)
            if wrong:
                one.faults.append(wrong)
            else:
                self._keep(one, draft, text)
        self.tally.faults.update(fault.kind for fault in one.faults)

    def _repetition(self, text: str, one: _Open) -> Fault | None:
        wanted = one.task.wanted
        likeness = self._duplicates.like(text, wanted.language, wanted.dialect)
        if likeness is None:
            return None
        kind = FaultKind.REPEATED if likeness.origin == THIS_RUN else FaultKind.KNOWN
        where = "" if likeness.origin == THIS_RUN else f" of {likeness.origin}"
        return Fault(kind, f"'{text}' repeats '{likeness.text}'{where}; write something new")

    def _keep(self, one: _Open, draft: Draft, text: str) -> None:
        wanted, kind = one.task.wanted, draft.kind
        template = self._writer.template(wanted)
        self._duplicates.add(text, wanted.language, wanted.dialect, THIS_RUN)
        one.kept.append(text)
        self.tally.written += 1
        row = {
            "text": text,
            "language": wanted.language.value,
            "text_source": f"writer:{self._writer.name}:{template[:8]}",
            "text_licence": self._writer.licence,
            "row": self.tally.written,
            "dialect": wanted.dialect,
            "emotion": wanted.emotion.value,
            "emotion_level": wanted.level,
            "register": kind.register.value,
            "genre": kind.genre.value,
            "topic": kind.topic.value,
            "writer": self._writer.name,
            "template": template,
            "seed_text": draft.seed.text,
            "seed_licence": draft.seed.licence,
        }
        self._on_text(row | {"text_id": text_id(row)})
