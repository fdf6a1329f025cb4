"""Chains of a teacher that edits what was spoken: parents first, from the corpus, asked once."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from asking import write_lines
from completion_server import Ledger, completion_app
from live_server import LiveServer
from small_sentencepiece import KEPT

from lauter.datasets.codes import interleave
from lauter.datasets.corpus import Corpus
from lauter.datasets.layout import STEP_AUDIO
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt
from lauter.filters.policy import parse_policy
from lauter.pipelines.ancestry import with_ancestors
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.generations import generations
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.speak import Speak
from lauter.pipelines.synthesize import Job, synthesize
from lauter.teacher.ensemble import Ensemble
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Teacher, close
from lauter.teacher.step_audio.opening import open_pool
from lauter.teacher.step_audio.teacher import StepAudio

ANYTHING = parse_policy(
    "gates: [{gate: anything, score: duration_s, at_least: 0.0, reason: There is nothing.}]"
)
ASKED = [
    Prompt("Good day.", "en", "en-US", "joy", 3, speaker="ada"),
    Prompt("Good day.", "en", "en-US", "anger", 1, "plain", -2, "ada"),
    Prompt("Come in.", "en", "en-US", "joy", 2, speaker="ada"),
]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def open_teacher(ledger: Ledger, tmp_path: Path) -> Iterator[partial[StepAudio]]:
    lots = np.random.default_rng(0)
    codes = interleave(lots.integers(0, 1024, 20), lots.integers(0, 4096, 30))
    voice = {
        "speaker": "ada", "dialect": "en-US", "licence": "CC-BY-4.0", "consent": "Ada, for tests",
        "text": "The train was late again.", "codes": codes.tolist(),
    }  # fmt: skip
    voices = write_lines(tmp_path / "voices.jsonl", [voice])
    with LiveServer(completion_app(ledger)) as server:
        yield partial(
            StepAudio,
            partial(open_pool, [server.url]),
            layout="editx",
            tokenizer=str(KEPT),
            voices=str(voices),
        )


def job_of(open_teacher: Callable[[], Teacher]) -> Job:
    speak = Speak(open_teacher, timeout_s=None, codes=True, back_off_s=0.0)
    return Job(speak, (), ANYTHING, InlineEngine())


def planned(teacher: StepAudio) -> pa.Table:
    return with_ancestors(plan(table_from_prompts(ASKED), teacher).requests)


def spoken(open_teacher: Callable[[], Teacher], corpus: Corpus, requests: pa.Table) -> pa.Table:
    teacher = open_teacher()
    nothing = plan(table_from_prompts([]), teacher).refused
    synthesize(job_of(open_teacher), Plan(requests, nothing), teacher, corpus)
    close(teacher)
    corpus.refresh()
    columns = ["request_id", "parent_id", "edit", "text", "codes", "error_kind", "error"]
    return pa.Table.from_batches(list(corpus.scan(columns)))


def asked_of(requests: pa.Table, ledger: Ledger) -> dict[str, int]:
    """How often each request was asked for; the voice's reference is none of them."""
    ids = set(requests["request_id"].to_pylist())
    return {request: count for request, count in ledger.asked.items() if request in ids}


def test_every_part_has_its_parents_in_parts_before(open_teacher: partial[StepAudio]) -> None:
    requests = planned(open_teacher())
    seen: set[str] = set()
    parts = list(generations(requests))
    for part in parts:
        parents = {one for one in part["parent_id"].to_pylist() if one is not None}
        assert parents <= seen
        seen |= set(part["request_id"].to_pylist())
    assert [len(part) for part in parts] == [2, 3, 3, 2]
    assert seen == set(requests["request_id"].to_pylist())


def test_what_waits_for_no_part_comes_at_once(open_teacher: partial[StepAudio]) -> None:
    requests = planned(open_teacher())
    lone = requests.filter(pa.compute.equal(requests["edit"], "joy 3"))
    assert [len(part) for part in generations(lone)] == [1]


def test_each_edit_is_asked_with_the_codes_of_its_parent(
    open_teacher: partial[StepAudio], ledger: Ledger, tmp_path: Path
) -> None:
    rows = spoken(open_teacher, Corpus.create(tmp_path / "corpus"), planned(open_teacher()))
    assert rows["error_kind"].null_count == len(rows) == 10
    codes = {row["request_id"]: row["codes"] for row in rows.to_pylist()}
    prompts = [body["prompt"] for body in ledger.bodies]
    for row in rows.to_pylist():
        if row["parent_id"] is not None:
            ids = [int(one) for one in STEP_AUDIO.ids_of(np.asarray(codes[row["parent_id"]]))]
            assert any(_holds(prompt, ids) for prompt in prompts), row["edit"]


def _holds(prompt: list[int], ids: list[int]) -> bool:
    return any(
        prompt[start : start + len(ids)] == ids for start in range(len(prompt) - len(ids) + 1)
    )


def test_a_chain_that_was_cut_off_goes_on_without_asking_for_a_parent_again(
    open_teacher: partial[StepAudio], ledger: Ledger, tmp_path: Path
) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    requests = planned(open_teacher())
    first, second, *_ = generations(requests)
    spoken(open_teacher, corpus, pa.concat_tables([first, second]))
    rows = spoken(open_teacher, corpus, requests)
    assert len(rows) == 10
    assert set(asked_of(requests, ledger).values()) == {1}


def test_a_run_that_was_stopped_within_a_generation_goes_on(
    open_teacher: partial[StepAudio], ledger: Ledger, tmp_path: Path
) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    requests = planned(open_teacher())
    spoken(open_teacher, corpus, next(generations(requests)).slice(0, 1))
    rows = spoken(open_teacher, corpus, requests)
    assert rows["error_kind"].null_count == len(rows) == 10
    assert set(asked_of(requests, ledger).values()) == {1}


def test_beside_a_teacher_that_edits_what_was_spoken_another_edits_what_it_says_itself(
    open_teacher: partial[StepAudio], tmp_path: Path
) -> None:
    together = partial(Ensemble, {"editx": open_teacher, "fast": FastTeacher})
    prompts = [*ASKED[2:], Prompt("Come in.", "en", "en-US", "joy", 2, speaker="heart")]
    requests = with_ancestors(plan(table_from_prompts(prompts), together()).requests)
    rows = spoken(together, Corpus.create(tmp_path / "corpus"), requests)
    assert rows["error_kind"].null_count == len(rows) == 6


def test_an_edit_of_what_could_not_be_spoken_is_not_asked_for_and_says_why(
    open_teacher: partial[StepAudio], ledger: Ledger, tmp_path: Path
) -> None:
    # Ten groups at most are no sentence: the answer is no speech of so long a text.
    long = " ".join(["The river is wide and the boats are slow."] * 4)
    prompts = [Prompt(long, "en", "en-US", "joy", 2, speaker="ada")]
    requests = with_ancestors(plan(table_from_prompts(prompts), open_teacher()).requests)
    rows = spoken(open_teacher, Corpus.create(tmp_path / "corpus"), requests).to_pylist()
    root, one, two = sorted(rows, key=lambda row: row["edit"] or "")
    assert root["error_kind"] == "invalid"
    assert one["error_kind"] == two["error_kind"] == "failed"
    assert root["request_id"] in one["error"]
    assert "was not spoken" in one["error"]
    assert asked_of(requests, ledger).keys() == {root["request_id"]}


def test_an_edit_without_its_parent_in_the_corpus_says_so(
    open_teacher: partial[StepAudio], ledger: Ledger, tmp_path: Path
) -> None:
    requests = plan(table_from_prompts(ASKED[2:]), open_teacher()).requests
    (row,) = [
        row
        for row in spoken(open_teacher, Corpus.create(tmp_path / "c"), requests).to_pylist()
        if row["edit"] == "joy 2"
    ]
    assert "is not in the corpus" in row["error"]
    assert not asked_of(requests, ledger)
