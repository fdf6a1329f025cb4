"""Several teachers as one: who has a voice speaks its requests, all of them at the same time.

Requests keep the name and the fingerprint of the teacher that speaks them, so that they are the
same whether that teacher is asked alone or with others. A batch is parted among the teachers, each
of which works in a thread of its own: one that waits for servers costs one that computes nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import cast

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.layout import Reference
from lauter.datasets.records import Request
from lauter.teacher.protocol import (
    Capabilities,
    EditingTeacher,
    Speech,
    Teacher,
    UnspokenError,
    close,
    keep,
    parts_of,
)

_Ask = Callable[[Sequence[Request]], Sequence[Speech | Exception]]


class Ensemble:
    """Asks the first of ``teachers`` (by name, each a function that opens one) that has the voice.

    ``speakers`` bounds which voices of a teacher are on offer (by its name; without it, all), which
    it must where two teachers have a voice of one name.
    """

    name = "ensemble"

    def __init__(
        self,
        teachers: Mapping[str, Callable[[], Teacher]],
        speakers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if not teachers:
            raise UsageError("teacher.teachers is empty; name at least one teacher")
        unknown = sorted(set(speakers or {}) - set(teachers))
        if unknown:
            raise UsageError(
                f"teacher.speakers names the teacher '{unknown[0]}', which is not among "
                f"teacher.teachers ({', '.join(teachers)})"
            )
        self._open = dict(teachers)
        self._speakers = {name: list(chosen) for name, chosen in (speakers or {}).items()}

    def capabilities(self) -> Capabilities:
        """Say what may be asked of any of them; what of whom, ``capabilities_of`` a voice says."""
        parts = list(self._abilities.values())
        return Capabilities(
            voices=tuple(voice for part in parts for voice in part.voices),
            emotion_levels=_highest([part.emotion_levels for part in parts]),
            speed_levels=_highest([part.speed_levels for part in parts]),
            styles=tuple(dict.fromkeys(style for part in parts for style in part.styles)),
            cloning=any(part.cloning for part in parts),
            editing=any(part.editing for part in parts),
            edits_parents=any(part.edits_parents for part in parts),
            codes=any(part.codes for part in parts),
            logits=any(part.logits for part in parts),
            sampled=any(part.sampled for part in parts),
            max_characters=min(part.max_characters for part in parts),
        )

    def fingerprint(self) -> str:
        """Return a digest of all teachers; requests carry that of the one who speaks them."""
        parts = {name: part.fingerprint() for name, part in self._parts.items()}
        return content_id("lauter.teacher.v1", {"teacher": self.name, "parts": parts})

    @property
    def parts(self) -> Mapping[str, Teacher]:
        """The teachers by name."""
        return self._parts

    def part_of(self, speaker: str, dialect: str) -> tuple[Teacher, Capabilities]:
        """Return who has a voice, and what it can do; the first teacher for a voice of nobody's."""
        name = self._owner.get((speaker, dialect), next(iter(self._parts)))
        return self._parts[name], self._abilities[name]

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return, in order, what each teacher makes of its requests."""
        return self._answers(requests, None)

    def edit(
        self, requests: Sequence[Request], parents: Sequence[Reference | None]
    ) -> Sequence[Speech | Exception]:
        """Return, in order, what each teacher makes of parents, where it wants them."""
        return self._answers(requests, parents)

    def _answers(
        self, requests: Sequence[Request], parents: Sequence[Reference | None] | None
    ) -> Sequence[Speech | Exception]:
        shares: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            voice = (request.prompt.speaker, request.prompt.dialect)
            shares.setdefault(self._owner.get(voice, next(iter(self._parts))), []).append(number)
        answers: dict[int, Speech | Exception] = {}
        with ThreadPoolExecutor(len(shares) or 1) as threads:
            spoken = {
                name: threads.submit(
                    _timed,
                    self._asked(name, [parents[number] for number in numbers] if parents else None),
                    [requests[number] for number in numbers],
                )
                for name, numbers in shares.items()
            }
            for name, numbers in shares.items():
                answers |= zip(numbers, _answers(spoken[name].result, numbers), strict=True)
        return [answers[number] for number in range(len(requests))]

    def _asked(self, name: str, parents: Sequence[Reference | None] | None) -> _Ask:
        """Return how a teacher is asked: with the parents of its requests, where it wants them."""
        part = self._parts[name]
        if parents is None or not self._abilities[name].edits_parents:
            return part.speak
        editing = cast(EditingTeacher, part)
        return lambda requests: editing.edit(requests, parents)

    def keep(self) -> None:
        """Keep what all teachers run; see ``protocol.keep``."""
        for part in self._parts.values():
            keep(part)

    def close(self) -> None:
        """Close all teachers."""
        for part in self.__dict__.get("_parts", {}).values():
            close(part)

    @cached_property
    def _parts(self) -> dict[str, Teacher]:
        return {name: open_one() for name, open_one in self._open.items()}

    @cached_property
    def _abilities(self) -> dict[str, Capabilities]:
        """Return what each teacher can do with the voices that it is asked for."""
        found = {}
        for name, part in self._parts.items():
            able = part.capabilities()
            chosen = self._speakers.get(name)
            if chosen is not None:
                missing = sorted(set(chosen) - {voice.speaker for voice in able.voices})
                if missing:
                    raise UsageError(
                        f"the teacher '{name}' has no speaker '{missing[0]}'; it has "
                        f"{', '.join(sorted({voice.speaker for voice in able.voices}))}"
                    )
                able = replace(able, voices=tuple(v for v in able.voices if v.speaker in chosen))
            found[name] = able
        return found

    @cached_property
    def _owner(self) -> dict[tuple[str, str], str]:
        owner: dict[tuple[str, str], str] = {}
        for name, able in self._abilities.items():
            for voice in able.voices:
                other = owner.setdefault((voice.speaker, voice.dialect), name)
                if other != name:
                    raise UsageError(
                        f"the teachers '{other}' and '{name}' both have the speaker "
                        f"'{voice.speaker}'; bound the voices of one with teacher.speakers"
                    )
        return owner


WhoSpeaks = Callable[[str, str], tuple[Teacher, Capabilities]]
"""From a speaker and a dialect to who speaks with this voice, and what it can do."""


def who_speaks(teacher: Teacher) -> WhoSpeaks:
    """Return who speaks with which voice: a teacher itself, or one of several."""
    if isinstance(teacher, Ensemble):
        return teacher.part_of
    able = teacher.capabilities()
    return lambda speaker, dialect: (teacher, able)


def _highest(levels: Sequence[Mapping[str, int]]) -> dict[str, int]:
    names = dict.fromkeys(name for one in levels for name in one)
    return {name: max(one.get(name, 0) for one in levels) for name in names}


def _timed(speak: _Ask, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
    """Return what a teacher makes of its requests, each with its part of the teacher's time."""
    started = time.perf_counter()
    answers = list(speak(requests))
    parts = parts_of(answers, time.perf_counter() - started)
    for number, (one, part) in enumerate(zip(answers, parts, strict=True)):
        if isinstance(one, UnspokenError):
            one.worked_s = part
        elif isinstance(one, Speech):
            answers[number] = replace(one, worked_s=part)
    return answers


def _answers(
    result: Callable[[], Sequence[Speech | Exception]], numbers: Sequence[int]
) -> Sequence[Speech | Exception]:
    """Return what came of a share; what was raised for all of it is the answer of each."""
    try:
        answers = result()
    except Exception as error:
        return [error] * len(numbers)
    if len(answers) != len(numbers):
        wrong = RuntimeError(f"it gave {len(answers)} answers to {len(numbers)} requests")
        return [wrong] * len(numbers)
    return answers
