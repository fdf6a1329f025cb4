"""Parents of planned requests: the same on columns as one by one, and planned where they lack."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.lineage import parent_request
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt, request_from_row
from lauter.pipelines.ancestry import PLANNED_SCHEMA, with_ancestors
from lauter.pipelines.plan import plan
from lauter.teacher.canned import CannedTeacher
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Capabilities

WISHES = st.lists(
    st.tuples(
        st.sampled_from(["Hello there.", "Good night.", "Come in!"]),
        st.sampled_from([("neutral", 0), ("joy", 1), ("joy", 4), ("anger", 2)]),
        st.sampled_from(["plain", "rap"]),
        st.integers(-3, 3),
    ),
    max_size=8,
)


def prompts_of(wishes: list[tuple[str, tuple[str, int], str, int]]) -> list[Prompt]:
    return [
        Prompt(text, "en", "en-US", emotion, level, style, speed, "heart")
        for text, (emotion, level), style, speed in wishes
    ]


@settings(deadline=None, max_examples=50)
@given(WISHES)
def test_parents_on_columns_are_those_of_single_requests(
    wishes: list[tuple[str, tuple[str, int], str, int]],
) -> None:
    planned = plan(table_from_prompts(prompts_of(wishes)), FastTeacher(), seed=3).requests
    for row in planned.to_pylist():
        parent = parent_request(request_from_row(row))
        assert row["parent_id"] == (parent and parent.request_id)


@settings(deadline=None, max_examples=50)
@given(WISHES)
def test_with_its_ancestors_a_plan_is_closed_and_parents_come_first(
    wishes: list[tuple[str, tuple[str, int], str, int]],
) -> None:
    planned = plan(table_from_prompts(prompts_of(wishes)), FastTeacher()).requests
    closed = with_ancestors(planned)
    assert closed.schema == PLANNED_SCHEMA
    places = {row["request_id"]: place for place, row in enumerate(closed.to_pylist())}
    assert len(places) == len(closed)
    assert places.keys() >= set(planned["request_id"].to_pylist())
    for row in closed.to_pylist():
        request = request_from_row(row)
        assert request.identified().request_id == row["request_id"]
        assert request.prompt.prompt_id == row["prompt_id"]
        if row["parent_id"] is not None:
            assert places[row["parent_id"]] < places[row["request_id"]]
    assert with_ancestors(closed).equals(closed)


def test_what_comes_of_one_utterance_stands_together() -> None:
    wishes = [(text, ("joy", 3), "plain", 0) for text in ("Hello there.", "Good night.")]
    planned = plan(table_from_prompts(prompts_of(wishes)), FastTeacher()).requests
    texts = with_ancestors(planned)["text"].to_pylist()
    assert texts in ([*["Hello there."] * 4, *["Good night."] * 4],
                     [*["Good night."] * 4, *["Hello there."] * 4])  # fmt: skip


class Actor(CannedTeacher):
    """Speaks manners itself instead of editing neutral speech."""

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), editing=False)


def test_speech_of_a_teacher_that_does_not_edit_has_no_parents() -> None:
    teacher = Actor()
    (speaker, *_) = teacher.capabilities().speakers("en-US")
    prompt = Prompt("Hello there.", "en", "en-US", "joy", 2, speaker=speaker)
    planned = plan(table_from_prompts([prompt]), teacher).requests
    assert len(planned) == 1
    assert planned["parent_id"].null_count == planned["edit"].null_count == 1
    assert with_ancestors(planned).equals(planned)
