"""Of several tries the one that a recogniser understands best.

A sampled student says the same text a little differently with each seed, and now and then wrong.
Saying it n times and keeping the one with the fewest wrong characters costs n times the speaking
and as often the hearing; what is kept is then no fair sample of what the student can do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lauter.datasets.audio import Samples, resample
from lauter.datasets.errors import UsageError
from lauter.filters.asr import SAMPLE_RATE, Recogniser
from lauter.filters.error_rate import character_error_rates
from lauter.student.speak import SpeechRequest, Spoken


class Speaker(Protocol):
    """Whoever answers requests, such as a ``Student``."""

    def speak(
        self,
        requests: Sequence[SpeechRequest],
        *,
        on_spoken: Callable[[int, int], None] | None = None,
    ) -> list[Spoken]:
        """Return, in order, what it makes of each request."""
        ...


@dataclass(frozen=True, eq=False)
class Choice:
    """What was kept of a request's tries: the seed it was spoken with, what was heard, its CER.

    ``transcript`` and ``cer`` are None where no try could be heard.
    """

    spoken: Spoken
    seed: int
    transcript: str | None
    cer: float | None


def best_of(
    speaker: Speaker,
    requests: Sequence[SpeechRequest],
    recogniser: Recogniser,
    tries: int,
    *,
    on_spoken: Callable[[int, int], None] | None = None,
) -> list[Choice]:
    """Return the best of ``tries`` tries of each request; the first is with its own seed.

    Tries without an end come last, however they sound; among equals the first is kept. Raises
    ``UsageError`` for a dialect that the recogniser does not know, before anything is spoken.
    """
    unknown = sorted({r.prompt.dialect for r in requests if not recogniser.knows(r.prompt.dialect)})
    if unknown:
        raise UsageError(
            f"the recogniser does not know {', '.join(unknown)}, so it cannot choose; "
            "set speaking.best_of=1"
        )
    asked = [
        replace(request, seed=request.seed + number)
        for request in requests
        for number in range(tries)
    ]
    tried = _heard(asked, speaker.speak(asked, on_spoken=on_spoken), recogniser)
    return [
        min(tried[start : start + tries], key=_badness) for start in range(0, len(tried), tries)
    ]


def _heard(
    asked: Sequence[SpeechRequest], spoken: Sequence[Spoken], recogniser: Recogniser
) -> list[Choice]:
    audible = {row: one.samples for row, one in enumerate(spoken) if one.samples is not None}
    transcripts = recogniser.transcribe(
        [_for_recogniser(samples, spoken[row].sample_rate) for row, samples in audible.items()],
        [asked[row].prompt.dialect for row in audible],
    )
    rates = character_error_rates(
        [asked[row].prompt.text for row in audible],
        [transcript.text for transcript in transcripts],
        [asked[row].prompt.language for row in audible],
    )
    heard = {
        row: (transcript.text, float(rate))
        for row, transcript, rate in zip(audible, transcripts, rates, strict=True)
    }
    return [
        Choice(one, request.seed, *heard.get(row, (None, None)))
        for row, (request, one) in enumerate(zip(asked, spoken, strict=True))
    ]


def _for_recogniser(samples: Samples, sample_rate: int) -> Samples:
    return resample(samples, sample_rate, SAMPLE_RATE)


def _badness(choice: Choice) -> tuple[bool, float]:
    return choice.spoken.failure is not None, float("inf") if choice.cer is None else choice.cer
