"""A checkpoint behind servers speaks what was planned for it, and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from asking import write_lines
from completion_server import Ledger, completion_app, said
from live_server import LiveServer
from small_sentencepiece import KEPT

from lauter.datasets.codes import interleave
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import STEP_AUDIO
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt, Request, requests_of
from lauter.pipelines.plan import plan
from lauter.teacher.attempts import IN_PROCESS, Attempt
from lauter.teacher.protocol import Speech
from lauter.teacher.step_audio.completion import Completed, CompletionRequest, Identity
from lauter.teacher.step_audio.opening import open_pool
from lauter.teacher.step_audio.teacher import StepAudio

TEXTS = ("Good day.", "No.", "Come in.")


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lots = np.random.default_rng(0)
    codes = interleave(lots.integers(0, 1024, 20), lots.integers(0, 4096, 30))
    voice = {
        "speaker": "ada", "dialect": "en-GB", "licence": "CC-BY-4.0", "consent": "Ada, for tests",
        "text": "The train was late again.", "codes": codes.tolist(),
    }  # fmt: skip
    return write_lines(tmp_path_factory.mktemp("voices") / "voices.jsonl", [voice])


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def teacher(ledger: Ledger, voices: Path) -> Iterator[StepAudio]:
    with LiveServer(completion_app(ledger)) as server:
        made = StepAudio(
            partial(open_pool, [server.url]), layout="tts_3b", tokenizer=str(KEPT),
            voices=str(voices),
        )  # fmt: skip
        yield made
        made.close()


def planned(teacher: StepAudio) -> list[Request]:
    prompts = table_from_prompts([Prompt(text, "en", "en-GB", speaker="ada") for text in TEXTS])
    table = plan(prompts, teacher).requests.combine_chunks()
    return [one for batch in table.to_batches() for one in requests_of(batch)]


def test_what_was_planned_for_a_voice_from_a_file_is_spoken(teacher: StepAudio) -> None:
    requests = planned(teacher)
    assert requests[0].teacher_fingerprint != teacher.fingerprint()  # the recording is part of it
    for request, speech in zip(requests, teacher.speak(requests), strict=True):
        assert isinstance(speech, Speech), speech
        prompt = teacher._wish(request, None, None).prompt
        assert prompt is not None
        ids = said(prompt.ids.tolist(), request.seed)
        assert list(speech.codes or ()) == STEP_AUDIO.codes_of(np.asarray(ids)).tolist()


def test_what_was_planned_with_other_weights_is_refused_and_nobody_is_asked(
    teacher: StepAudio, ledger: Ledger
) -> None:
    requests = [replace(one, teacher_fingerprint="another") for one in planned(teacher)]
    for answer in teacher.speak(requests):
        assert isinstance(answer, UsageError)
        assert "was planned for another model" in str(answer)
    assert not ledger.asked


class Here:
    """A stand-in for a model in the worker, whose second answer takes nine times its first's."""

    sampling: dict[str, float] = {}  # noqa: RUF012

    def identity(self) -> Identity:
        return Identity("here", "c0ffee", "1")

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed]:
        answers = []
        for number, one in enumerate(requests):
            ids = np.asarray(said(one.prompt.tolist(), one.seed), np.int64)
            attempt = Attempt(IN_PROCESS, "ok", 1.0, one.seed)
            answers.append(Completed(ids, True, None, 1.0 + 8.0 * (number == 1), (attempt,)))
        return answers

    def close(self) -> None:
        pass


def test_answers_of_a_model_in_the_worker_say_what_of_its_time_they_took(voices: Path) -> None:
    teacher = StepAudio(Here, layout="tts_3b", tokenizer=str(KEPT), voices=str(voices))
    spoken = teacher.speak(planned(teacher))
    assert [one.worked_s for one in spoken if isinstance(one, Speech)] == [1.0, 9.0, 1.0]


@pytest.mark.parametrize("wrong", [{"tries": "abc"}, {"tries": 0}, {"top": -1}, {"top": "abc"}])
def test_figures_that_are_none_are_told(voices: Path, wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(UsageError, match=rf"teacher\.{name} is .*; set \d or more"):
        StepAudio(Here, layout="tts_3b", tokenizer=str(KEPT), voices=str(voices), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"patience": {"whole_s": "abc"}}, "Patience cannot be used: whole_s is 'abc'"),
        ({"retries": {"atempts": 3}}, "Retries has no setting 'atempts'; did you mean attempts?"),
        ({"servers": [{"url": "http://a", "devices": "x"}]}, "devices is 'x'"),
    ],
)
def test_a_pools_settings_that_are_none_are_told(
    settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError) as told:
        open_pool(**{"servers": ["http://127.0.0.1:9"]} | settings)  # type: ignore[arg-type]
    assert sentence in str(told.value)
