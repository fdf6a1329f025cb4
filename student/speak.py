"""A student with its codec: from prompts to speech.

A prompt becomes ids, ids become codes (``generation.py``), codes and a timbre become sound. A
student that has learnt voices by name brings their timbres along; a recording of another voice
replaces the timbre, and where the student has learnt to go on from recordings it also stands
before the text, as the turn that shows how the voice speaks.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import torch

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.codes import CODES_PER_S, Codes
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Ids, Reference, speech_prompt, tag_words
from lauter.datasets.records import Prompt
from lauter.datasets.speech_length import LEAST_LIMIT_S, most_codes
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer
from lauter.student.checkpoint import check_tokenizer, load_model, load_tokenizer
from lauter.student.facts import REFERENCE_TURNS, SPEAKERS, TIMBRES
from lauter.student.generation import Generated, Sampling, generate
from lauter.student.model import SpeechModel
from lauter.student.timbres import as_timbre, check_codec, check_timbres

if TYPE_CHECKING:
    from lauter.student.codec.codec import Codec, Timbre

NO_END: Final = "no end"
"""Failure of speech that went on to its limit."""
EMPTY: Final = "empty"
"""Failure of speech without codes."""
INVALID: Final = "invalid codes"
"""Failure of codes that no decoder takes."""


@dataclass(frozen=True, eq=False)
class SpeechRequest:
    """What to say and how; ``reference`` is a recording of the wanted voice.

    ``prompt.speaker`` names the voice; empty, it is the first that the student knows. A student
    that has learnt to goes on from the reference, which says ``reference_text``; with
    ``timbre_alone`` the reference lends it its timbre and no more, as it does any other student.
    """

    prompt: Prompt
    seed: int = 0
    reference: Clip | None = None
    reference_text: str | None = None
    timbre_alone: bool = False


@dataclass(frozen=True, eq=False)
class Spoken:
    """What a student made of a request: mono ``samples`` in -1…1 at ``sample_rate`` Hz, or none.

    ``failure`` says why this is no answer (no end, empty, invalid codes), else None; what was said
    without an end can be heard all the same. ``seconds`` is the time it took: its share, where
    several were spoken together.
    """

    samples: Samples | None
    sample_rate: int
    failure: str | None
    seconds: float
    codes: Codes


class Student:
    """A model, the tokenizer it reads with and the codec it speaks with."""

    def __init__(
        self,
        model: SpeechModel,
        facts: Mapping[str, Any],
        codec: "Codec",
        *,
        tokenizer: TextTokenizer | None = None,
        sampling: Sampling | None = None,
        batch_size: int = 16,
        name: str = "the student",
    ) -> None:
        """Put a student together.

        Raises ``UsageError`` where tokenizer or codec are not those it has learnt with.
        """
        self.codec = codec
        self.facts = facts
        self.model = model
        self.tokenizer = tokenizer or ByteTokenizer()
        self.sampling = sampling or Sampling()
        self._batch_size = batch_size
        self.name = name
        self._timbres: dict[str, Timbre] = {}
        # A recording that many texts are said after is heard once.
        self._timbre_of: WeakKeyDictionary[Clip, Timbre] = WeakKeyDictionary()
        self._codes_of: WeakKeyDictionary[Clip, Codes] = WeakKeyDictionary()
        check_tokenizer(self.tokenizer, model.config, facts, name)
        check_codec(facts, codec, name)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        codec: str | Path | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
        sampling: Sampling | None = None,
        batch_size: int = 16,
    ) -> "Student":
        """Open a student's folder with a codec's (None: the one that comes with Lauter).

        Raises ``UsageError`` where one of them cannot be read, or they are not made for each other.
        """
        from lauter.student.codec.codec import open_codec

        model, facts = load_model(folder, device=device, dtype=dtype)
        opened = open_codec(codec).to(device)
        return cls(
            model, facts, opened, tokenizer=load_tokenizer(folder), sampling=sampling,
            batch_size=batch_size, name=f"the student in {folder}",
        )  # fmt: skip

    @property
    def speakers(self) -> list[str]:
        """The voices that it can speak as by name alone: those whose timbre it brings."""
        return list(self.facts.get(TIMBRES, ()))

    def speak(
        self,
        requests: Sequence[SpeechRequest],
        *,
        on_spoken: Callable[[int, int], None] | None = None,
    ) -> list[Spoken]:
        """Return, in order, what it makes of each request; a failure is an answer, not an error.

        A request's speech depends on itself alone, up to rounding. ``on_spoken`` is told how many
        of how many are done. Raises ``UsageError``, before anything is spoken, for a text that is
        empty or too long, a voice it does not know, or a reference that is no speech.
        """
        started = time.perf_counter()
        timbres = [self.timbre_of(request) for request in requests]
        prompts = [self.prompt_of(request) for request in requests]
        before_s = (time.perf_counter() - started) / max(1, len(requests))
        # Texts of like length end at like times.
        order = sorted(range(len(requests)), key=lambda number: len(requests[number].prompt.text))
        spoken: dict[int, Spoken] = {}
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            asked = [requests[number] for number in batch]
            answers = self.answers(
                [prompts[number] for number in batch],
                [timbres[number] for number in batch],
                [one.seed for one in asked],
                [most_codes(one.prompt.text, one.prompt.speed_level) for one in asked],
                before_s=before_s,
            )
            spoken |= dict(zip(batch, answers, strict=True))
            if on_spoken:
                on_spoken(len(spoken), len(requests))
        return [spoken[number] for number in range(len(requests))]

    def check(self, requests: Sequence[SpeechRequest]) -> None:
        """Raise what ``speak`` would refuse of these requests, and say nothing."""
        for request in requests:
            self.timbre_of(request)
            self.prompt_of(request)

    def answers(
        self,
        prompts: Sequence[Ids],
        timbres: "Sequence[Timbre]",
        seeds: Sequence[int],
        limits: Sequence[int],
        *,
        before_s: float = 0.0,
    ) -> list[Spoken]:
        """Return what the model says after each prompt, together, each as speech in its timbre.

        ``limits`` are the most codes of each; ``before_s`` is the time that each had taken until
        now, in seconds. A failure is an answer, not an error.
        """
        started = time.perf_counter()
        said = generate(
            self.model,
            prompts,
            self.model.config.vocabulary,
            self.sampling,
            seeds=seeds,
            limits=limits,
        )
        audible = [row for row, one in enumerate(said) if not one.fault and len(one.codes)]
        decoded = self.codec.decode(
            [said[row].codes for row in audible], [timbres[row] for row in audible]
        )
        samples = dict(zip(audible, decoded, strict=True))
        seconds = before_s + (time.perf_counter() - started) / max(1, len(prompts))
        return [
            Spoken(samples.get(row), self.codec.sample_rate, _failure_of(one), seconds, one.codes)
            for row, one in enumerate(said)
        ]

    def prompt_of(self, request: SpeechRequest) -> Ids:
        """Return the ids after which the model says a request; raises as ``speak`` does."""
        asked = request.prompt
        if not asked.text.strip():
            raise UsageError("there is nothing to say: the text is empty; give one")
        reference = self._reference(request)
        # Where a turn shows the voice, training names none; the published models have a text there.
        is_named = reference is None or not self.facts
        ids = speech_prompt(
            self.tokenizer,
            self.model.config.vocabulary,
            tag_words(asdict(asked)) + asked.text,
            system=self._speaker(request) if is_named else "",
            reference=reference,
        )
        context = self.model.config.context
        least = len(ids) + round(LEAST_LIMIT_S * CODES_PER_S)
        if least > context:
            raise UsageError(
                f"the text of {len(asked.text)} characters that begins "
                f"'{asked.text.strip()[:30]}' makes {len(ids)} ids with all that stands before it, "
                f"and the context of {self.name} is {context}, speech included; cut it into "
                f"sentences"
            )
        return ids

    @property
    def _reads_references(self) -> bool:
        """The published models do, and have no facts."""
        return bool(self.facts.get(REFERENCE_TURNS, not self.facts))

    def _reference(self, request: SpeechRequest) -> Reference | None:
        """Return what the student is to go on from, None where a timbre is all that is lent."""
        recording, text = request.reference, request.reference_text
        if recording is None or request.timbre_alone or not self._reads_references:
            return None
        if not text or not text.strip():
            raise UsageError(
                f"{self.name} goes on from what the reference recording says; "
                "give its text as well (reference_text)"
            )
        if recording not in self._codes_of:
            (codes,) = self.codec.encode([recording.samples], [recording.sample_rate])
            self._codes_of[recording] = codes
        return Reference(text, self._codes_of[recording])

    def _speaker(self, request: SpeechRequest) -> str:
        asked, known = request.prompt.speaker, list(self.facts.get(SPEAKERS, ()))
        if not asked:
            return (self.speakers or known or [""])[0]
        if known and asked not in known and not self._reads_references:
            raise UsageError(
                f"{self.name} does not know the voice '{asked}'; it speaks as {', '.join(known)}"
            )
        return asked

    def timbre_of(self, request: SpeechRequest) -> "Timbre":
        """Return the timbre that a request is to sound in; raises as ``speak`` does."""
        recording = request.reference
        if recording is not None:
            if recording not in self._timbre_of:
                heard = self.codec.timbre(recording.samples, recording.sample_rate)
                self._timbre_of[recording] = heard
            return self._timbre_of[recording]
        return self.timbre_of_voice(self._speaker(request))

    def timbre_of_voice(self, speaker: str) -> "Timbre":
        """Return the timbre that it brings of a voice; raises ``UsageError`` where it has none."""
        if speaker not in self._timbres:
            stored = self.facts.get(TIMBRES, {}).get(speaker)
            if stored is None:
                raise UsageError(
                    f"{self.name} brings no timbre of the voice '{speaker}'; "
                    "give a recording of it as the reference"
                )
            check_timbres(self.facts, self.codec, self.name)
            self._timbres[speaker] = as_timbre(stored)
        return self._timbres[speaker]


def _failure_of(said: Generated) -> str | None:
    """Return why what was generated is no answer; None where it is one."""
    if said.fault:
        return INVALID
    if not said.ended:
        return NO_END
    return None if len(said.codes) else EMPTY
