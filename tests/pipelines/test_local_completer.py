"""A model in this process answers as it would behind a server."""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from served_student import listening, served_student
from taught_student import (
    SPEAKER,
    TAUGHT,
    taught_model,
    write_taught_student,
    write_untrained_codec,
)

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.layout import COMPACT, END, speech_prompt
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.pipelines import local_completer
from lauter.pipelines.local_completer import LocalCompleter
from lauter.student.speak import Student
from lauter.student.teaching import weights_digest
from lauter.teacher.step_audio.completion import Completed, CompletionError, CompletionRequest
from lauter.teacher.step_audio.opening import open_pool

GREEDY = {"temperature": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("local")
    return write_taught_student(place / "student", write_untrained_codec(place / "codec"))


@pytest.fixture(scope="module")
def greedy(folder: Path) -> Iterator[LocalCompleter]:
    made = LocalCompleter(folder, rows=2, sampling=GREEDY)
    yield made
    made.close()


def asked(text: str, **more: Any) -> CompletionRequest:
    prompt = speech_prompt(ByteTokenizer(), COMPACT, text, system=SPEAKER)
    given = {"seed": 7, "max_tokens": 60, "stop_ids": (END,)} | more
    return CompletionRequest(text, prompt, **given)


def codes_of(answer: Completed | CompletionError) -> list[int]:
    assert isinstance(answer, Completed), answer
    return COMPACT.codes_of(answer.ids).tolist()


def test_each_request_is_answered_in_its_place(greedy: LocalCompleter) -> None:
    texts = ["one", "two three", "one", "two three", "one"]
    answers = greedy.complete([asked(text) for text in texts])
    assert [codes_of(one) for one in answers] == [TAUGHT[text].tolist() for text in texts]
    assert all(one.ended and one.top is None for one in answers)
    assert [one.attempts[0].outcome for one in answers] == ["ok"] * 5
    assert {(one.attempts[0].server, one.attempts[0].seed) for one in answers} == {("local", 7)}


def test_the_likeliest_ids_are_told_of_each_place_and_the_stop(greedy: LocalCompleter) -> None:
    (answer,) = greedy.complete([asked("one", top=3)])
    assert [len(top) for top in answer.top] == [3] * (len(TAUGHT["one"]) + 1)
    said = [*answer.ids.tolist(), END]
    assert [max(top, key=top.__getitem__) for top in answer.top] == said
    assert all(value <= 0 for top in answer.top for value in top.values())


def test_what_does_not_end_says_so(greedy: LocalCompleter) -> None:
    (answer,) = greedy.complete([asked("one", max_tokens=4)])
    assert not answer.ended
    assert codes_of(answer) == TAUGHT["one"].tolist()[:4]


def test_a_request_that_is_too_long_fails_alone(greedy: LocalCompleter) -> None:
    long, sound = greedy.complete([asked("one", max_tokens=9000), asked("one")])
    assert isinstance(long, CompletionError)
    assert "request one cannot be answered" in str(long) and "shorten the prompt" in str(long)
    assert codes_of(sound) == TAUGHT["one"].tolist()


def test_the_device_time_of_all_is_no_more_than_there_was(greedy: LocalCompleter) -> None:
    started = time.perf_counter()
    answers = greedy.complete([asked("one"), asked("two three"), asked("one")])
    spent = time.perf_counter() - started
    assert all(one.device_s > 0 for one in answers)
    assert sum(one.device_s for one in answers) <= spent


def test_several_threads_share_it(greedy: LocalCompleter) -> None:
    texts = ["one", "two three"] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = [one for (one,) in pool.map(lambda text: greedy.complete([asked(text)]), texts)]
    assert [codes_of(one) for one in answers] == [TAUGHT[text].tolist() for text in texts]


def test_it_answers_as_the_served_student_under_the_same_sampling(folder: Path) -> None:
    sampling = {
        "temperature": 1.2, "top_p": 0.95, "repetition_window": 6, "repetition_threshold": 0.4,
        "constrained": False,
    }  # fmt: skip
    requests = [asked("one", seed=seed, top=2) for seed in range(6)]
    here = LocalCompleter(folder, sampling=sampling)
    student = Student.open(folder, codec=folder.parent / "codec")
    with served_student(student) as served, listening(served) as address:
        there = open_pool([address], sampling=sampling)
        theirs = there.complete(requests)
        there.close()
    for ours, other in zip(here.complete(requests), theirs, strict=True):
        assert ours.ids.tolist() == other.ids.tolist()
        assert ours.ended == other.ended
        for one, another in zip(ours.top, other.top, strict=True):
            assert one == pytest.approx(another, abs=1e-4)
    assert here.sampling == sampling
    here.close()


def test_who_answers_is_known_before_the_model_is_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(local_completer, "load_model")
    identity = LocalCompleter(folder).identity()
    assert (identity.model, identity.checkpoint) == ("student", weights_digest(taught_model()))
    assert identity.server
    narrow = LocalCompleter(folder, dtype="bfloat16").identity()
    assert narrow.checkpoint != identity.checkpoint


def test_all_of_how_ids_are_drawn_is_told(greedy: LocalCompleter) -> None:
    assert greedy.sampling == {
        "temperature": 0.0, "top_p": 0.9, "repetition_window": 10, "repetition_threshold": 0.1,
        "constrained": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"sampling": {"temprature": 1}}, "no setting 'temprature'; did you mean temperature?"),
        ({"sampling": {"max_codes": 5}}, "no setting 'max_codes'"),
        ({"sampling": {"temperature": -1}}, "set 0 or more"),
        ({"sampling": {"temperature": "hot"}}, "sampling.temperature is 'hot'"),
        ({"sampling": {"repetition_window": 2.5}}, "sampling.repetition_window is 2.5"),
        ({"dtype": "float8"}, "held as 'float8'; did you mean float32?"),
        ({"rows": 0}, "set both to 1 or more"),
        ({"folder": None}, "set teacher.completer.folder"),
    ],
)
def test_settings_that_cannot_be_are_told_at_once(
    folder: Path, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence.replace("?", r"\?")):
        LocalCompleter(**({"folder": folder} | more))


def test_a_device_that_is_not_here_is_told(folder: Path) -> None:
    with pytest.raises(UsageError, match="there is no device 'cuda:99' here"):
        LocalCompleter(folder, device="cuda:99").complete([asked("one")])


def test_a_closed_one_answers_nobody(folder: Path) -> None:
    made = LocalCompleter(folder)
    made.close()
    with pytest.raises(LauterError, match="closed"):
        made.complete([asked("one")])


def test_one_that_nobody_holds_any_more_ends(folder: Path) -> None:
    made = LocalCompleter(folder)
    made.complete([asked("one")])
    engine = made._engine
    assert engine is not None and engine.accepts
    del made
    gc.collect()
    while engine.accepts:
        time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_step_that_went_wrong_it_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no memory is left")

    made = LocalCompleter(folder, sampling=GREEDY)
    monkeypatch.setattr(made._model, "head", fail)
    with pytest.raises(MemoryError):
        made.complete([asked("one"), asked("two three")])
    monkeypatch.undo()
    (answer,) = made.complete([asked("one")])
    assert codes_of(answer) == TAUGHT["one"].tolist()
    made.close()
