"""Several teachers speak as one, and each request stays its own teacher's."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt, Request, requests_of
from lauter.datasets.voices import Voice
from lauter.pipelines.plan import plan
from lauter.teacher.ensemble import Ensemble
from lauter.teacher.protocol import Capabilities, Speech, keep


@dataclass(frozen=True)
class Hummer:
    """Hums at one pitch, and waits until everybody hums where it is told to."""

    name: str
    speakers: tuple[str, ...]
    emotions: dict[str, int] = field(default_factory=lambda: {"neutral": 0})
    together: threading.Barrier | None = None
    fails: bool = False

    def capabilities(self) -> Capabilities:
        voices = tuple(Voice(one, "en-US", "unknown", "CC0-1.0", "a hum") for one in self.speakers)
        return Capabilities(voices, self.emotions)

    def fingerprint(self) -> str:
        return f"{self.name}-1"

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        if self.together:
            self.together.wait(30)
        if self.fails:
            raise RuntimeError(f"{self.name} fell over")
        return [
            Speech(8000, samples=np.full(100, len(one.prompt.text), np.float32) / 100)
            for one in requests
        ]


def ensemble(*teachers: Hummer, **options: object) -> Ensemble:
    return Ensemble({one.name: partial(lambda x: x, one) for one in teachers}, **options)


ALTO, BASS = Hummer("alto", ("ann",), {"neutral": 0, "joy": 3}), Hummer("bass", ("bob", "bo"))


def asked(teacher: object, *prompts: Prompt) -> list[Request]:
    requests = plan(table_from_prompts(prompts), teacher).requests  # type: ignore[arg-type]
    return [one for batch in requests.to_batches() for one in requests_of(batch)]


def prompt(text: str, speaker: str, emotion: str = "neutral", level: int = 0) -> Prompt:
    return Prompt(text, "en", "en-US", emotion, level, speaker=speaker)


def test_a_request_is_the_same_whether_its_teacher_is_alone_or_not() -> None:
    alone = [*asked(ALTO, prompt("a", "ann")), *asked(BASS, prompt("b", "bob"))]
    together = asked(ensemble(ALTO, BASS), prompt("a", "ann"), prompt("b", "bob"))
    assert together == alone
    assert [one.teacher for one in together] == ["alto", "bass"]


def test_answers_come_in_the_order_of_the_requests_and_all_teachers_work_at_once() -> None:
    barrier = threading.Barrier(2)
    alto = Hummer("alto", ("ann",), together=barrier)
    bass = Hummer("bass", ("bob",), together=barrier)
    team = ensemble(alto, bass)
    texts = ["a", "bb", "ccc", "dddd"]
    speakers = ["bob", "ann", "ann", "bob"]
    spoken = team.speak(asked(team, *map(prompt, texts, speakers)))
    assert [round(100 * float(one.samples[0])) for one in spoken] == [1, 2, 3, 4]


def test_each_answer_has_its_part_of_its_own_teachers_time() -> None:
    class Slow(Hummer):
        def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
            time.sleep(0.2)
            return super().speak(requests)

    team = ensemble(ALTO, Slow("bass", ("bob",)))
    spoken = team.speak(asked(team, *[prompt(text, "bob") for text in "ab"], prompt("c", "ann")))
    slow, also_slow, quick = (one.worked_s for one in spoken if isinstance(one, Speech))
    assert slow == also_slow >= 0.1 > quick


def test_what_is_kept_is_kept_by_each_teacher_that_can() -> None:
    kept: list[str] = []

    class Keeper(Hummer):
        def keep(self) -> None:
            kept.append(self.name)

    keep(ensemble(ALTO, Keeper("tenor", ("tim",))))
    assert kept == ["tenor"]


def test_what_one_teacher_cannot_do_is_refused_although_another_can() -> None:
    planned = plan(
        table_from_prompts([prompt("a", "ann", "joy", 2), prompt("b", "bob", "joy", 2)]),
        ensemble(ALTO, BASS),
    )
    assert planned.requests["speaker"].to_pylist() == ["ann"]
    (sentence,) = planned.refused["refusal"].to_pylist()
    assert "the teacher 'bass' has no emotion 'joy'" in sentence


def test_a_teacher_that_falls_over_takes_no_other_along() -> None:
    team = ensemble(ALTO, Hummer("bass", ("bob",), fails=True))
    good, bad = team.speak(asked(team, prompt("a", "ann"), prompt("b", "bob")))
    assert isinstance(good, Speech)
    assert "bass fell over" in str(bad)


def test_all_are_closed_that_can_be_and_have_been_opened() -> None:
    closed: list[str] = []

    class Held(Hummer):
        def close(self) -> None:
            closed.append(self.name)

    several = ensemble(ALTO, Held("tenor", ("tim",)), Held("soprano", ("sue",)))
    several.close()
    assert not closed
    several.capabilities()
    several.close()
    assert closed == ["tenor", "soprano"]


def test_a_voice_that_two_teachers_have_must_be_bounded() -> None:
    twin = Hummer("twin", ("ann", "tom"))
    with pytest.raises(UsageError, match=r"'alto' and 'twin' both have the speaker 'ann'"):
        asked(ensemble(ALTO, twin), prompt("a", "ann"))
    bounded = ensemble(ALTO, twin, speakers={"twin": ["tom"]})
    assert [one.teacher for one in asked(bounded, prompt("a", "ann"))] == ["alto"]
    assert {voice.speaker for voice in bounded.capabilities().voices} == {"ann", "tom"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"speakers": {"tenor": ["x"]}}, "names the teacher 'tenor'"),
        ({"speakers": {"bass": ["x"]}}, "has no speaker 'x'; it has bo, bob"),
    ],
)
def test_speakers_that_nobody_has_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        ensemble(ALTO, BASS, **options).capabilities()


def test_nobody_is_no_ensemble() -> None:
    with pytest.raises(UsageError, match="at least one teacher"):
        Ensemble({})
