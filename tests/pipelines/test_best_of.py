"""Of several tries the best understood one is kept, and never one without an end."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt
from lauter.filters.asr import Transcript
from lauter.pipelines.best_of import Choice, best_of
from lauter.student.speak import EMPTY, NO_END, SpeechRequest, Spoken


class Scripted:
    """Says tones; each seed has its own loudness, by which the listener knows it."""

    def __init__(self, failures: Mapping[int, str] | None = None) -> None:
        self.failures = failures or {}
        self.asked: list[int] = []

    def speak(
        self,
        requests: Sequence[SpeechRequest],
        *,
        on_spoken: Callable[[int, int], None] | None = None,
    ) -> list[Spoken]:
        self.asked += [request.seed for request in requests]
        return [self._spoken(request.seed) for request in requests]

    def _spoken(self, seed: int) -> Spoken:
        failure = self.failures.get(seed)
        samples = np.full(2400, seed / 100, np.float32) if failure != EMPTY else None
        return Spoken(samples, 16_000, failure, 0.1, np.empty(0, np.int32))


class Listener:
    name = "listener"

    def __init__(self, heard: Mapping[int, str]) -> None:
        self.heard = heard

    def knows(self, dialect: str) -> bool:
        return dialect == "en-US"

    def fingerprint(self) -> str:
        return "listener"

    def transcribe(self, clips: Sequence[Samples], dialects: Sequence[str]) -> list[Transcript]:
        return [Transcript(self.heard[round(float(clip[0]) * 100)], 0.0) for clip in clips]


def request(seed: int, dialect: str = "en-US") -> SpeechRequest:
    return SpeechRequest(Prompt("nine to five", "en", dialect), seed)


def kept(speaker: Scripted, heard: Mapping[int, str], tries: int = 3) -> Choice:
    (choice,) = best_of(speaker, [request(10)], Listener(heard), tries)
    return choice


def test_the_try_with_the_fewest_wrong_characters_is_kept() -> None:
    heard = {10: "nine to fire", 11: "Nine to five.", 12: "nine"}
    choice = kept(speaker := Scripted(), heard)
    assert speaker.asked == [10, 11, 12]
    assert (choice.seed, choice.cer, choice.transcript) == (11, 0.0, "Nine to five.")


def test_among_equals_the_first_is_kept() -> None:
    assert kept(Scripted(), dict.fromkeys((10, 11, 12), "nine")).seed == 10


def test_a_try_without_an_end_is_kept_only_where_all_are() -> None:
    heard = {10: "nine to five", 11: "nine", 12: "nine to fire"}
    assert kept(Scripted({10: NO_END}), heard).seed == 12
    assert kept(Scripted(dict.fromkeys((10, 11, 12), NO_END)), heard).seed == 10


def test_what_nobody_can_hear_has_no_error_rate() -> None:
    choice = kept(Scripted(dict.fromkeys((10, 11, 12), EMPTY)), {})
    assert (choice.cer, choice.transcript, choice.spoken.failure) == (None, None, EMPTY)


def test_each_request_has_its_own_tries() -> None:
    heard = {10: "nine", 11: "nine to five", 20: "nine to five", 21: "five"}
    chosen = best_of(Scripted(), [request(10), request(20)], Listener(heard), 2)
    assert [choice.seed for choice in chosen] == [11, 20]


def test_a_dialect_that_the_recogniser_does_not_know_is_told_before_anything_is_spoken() -> None:
    speaker = Scripted()
    with pytest.raises(UsageError, match="does not know yue, so it cannot choose"):
        best_of(speaker, [request(10), request(10, "yue")], Listener({}), 2)
    assert not speaker.asked
