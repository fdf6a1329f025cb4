"""Gates: verdicts in columns equal verdicts row by row, and explain themselves."""

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.datasets.records import SCORING_FIELDS, VERDICT_SCHEMA, Prompt, Request
from lauter.filters.gates import FORBIDDEN, judge, judge_row, stopping_gates
from lauter.filters.policy import load_policy, parse_policy
from lauter.filters.protocol import Sample

POLICY = parse_policy(
    """
name: trial
gates:
  - {gate: length, score: duration_s, between: [0.5, 30], stop: true, reason: Too short or long.}
  - gate: words
    score: cer
    at_most: 0.1
    slices:
      - {language: zh, at_most: 0.2}
      - {style: [rap, sung], at_most: .inf}
    required: true
    reason: Wrong words.
  - {gate: fast, score: rate, at_least: 5, applies_to: {speed_level: [1, 2]}, reason: Too slow.}
  - {gate: twin, score: duplicate_of, absent: true, reason: There already.}
"""
)
SCHEMA = pa.schema(
    [
        ("request_id", pa.string()),
        ("language", pa.string()),
        ("style", pa.string()),
        ("speed_level", pa.int8()),
        ("duration_s", pa.float64()),
        ("cer", pa.float64()),
        ("rate", pa.int32()),
        ("duplicate_of", pa.string()),
        ("error_kind", pa.string()),
        ("error", pa.string()),
        (FORBIDDEN, pa.string()),
        *(field for field in SCORING_FIELDS if field.name != "scorer_seconds"),
    ]
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "request_id": st.text("0123456789abcdef", min_size=4, max_size=4),
            "language": maybe(st.sampled_from(["en", "zh", "ja"])),
            "style": st.sampled_from(["plain", "rap", "sung"]),
            "speed_level": maybe(st.integers(-5, 5)),
            "duration_s": maybe(st.floats(0, 40) | st.just(math.nan) | st.just(math.inf)),
            "cer": maybe(st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.3, math.nan])),
            "rate": maybe(st.integers(0, 10)),
            "duplicate_of": maybe(st.just("0abc")),
            "error_kind": maybe(st.just("failed")),
            "error": maybe(st.just("RuntimeError: broke")),
            "score_errors": maybe(
                st.lists(st.fixed_dictionaries({"scorer": st.just("mos"), "error": st.just("x")}))
            ),
            "stopped_by": maybe(st.sampled_from(["length", "elsewhere"])),
            FORBIDDEN: maybe(st.just("the consent for the voice 'ada' was withdrawn")),
        }
    ),
    max_size=12,
)


def comparable(verdict: dict[str, Any]) -> dict[str, Any]:
    """NaN equals itself in text."""
    return verdict | {"failed_gates": [repr(gate) for gate in verdict["failed_gates"]]}


@settings(max_examples=300, deadline=None)
@given(ROWS, st.integers(0, 12))
def test_verdicts_in_columns_are_the_verdicts_row_by_row(
    rows: list[dict[str, Any]], cut: int
) -> None:
    pieces = [rows[:cut], rows[cut:]]
    table = pa.concat_tables([pa.Table.from_pylist(piece, schema=SCHEMA) for piece in pieces])
    verdicts = judge(table, POLICY)
    assert verdicts.schema.equals(VERDICT_SCHEMA, check_metadata=True)
    verdicts.validate(full=True)
    expected = [comparable(judge_row(row, POLICY)) for row in rows]
    assert [comparable(verdict) for verdict in verdicts.to_pylist()] == expected


def verdict_of(**figures: Any) -> dict[str, Any]:
    row = {"request_id": "a", "language": "en", "style": "plain", "speed_level": 0}
    row |= {"duration_s": 3.0, "cer": 0.0} | figures
    verdict: dict[str, Any] = judge(pa.Table.from_pylist([row], schema=SCHEMA), POLICY).to_pylist()[
        0
    ]
    return verdict


def test_every_failed_gate_is_named_with_figure_threshold_and_reason() -> None:
    verdict = verdict_of(duration_s=31.0, cer=0.5, duplicate_of="b")
    assert not verdict["accepted"]
    assert verdict["policy"] == POLICY.digest
    assert [tuple(gate.values()) for gate in verdict["failed_gates"]] == [
        ("length", "duration_s", 31.0, 30.0, "Too short or long."),
        ("words", "cer", 0.5, 0.1, "Wrong words."),
        ("twin", "duplicate_of", None, None, "There already."),
    ]


def test_both_ends_of_a_bound_pass() -> None:
    assert verdict_of(duration_s=0.5)["accepted"]
    assert verdict_of(duration_s=30.0)["accepted"]
    assert not verdict_of(duration_s=math.nextafter(30.0, 31.0))["accepted"]


def test_a_figure_that_is_no_number_fails() -> None:
    assert verdict_of(duration_s=math.nan)["failed_gates"][0]["threshold"] == 0.5


def test_the_last_slice_that_matches_holds() -> None:
    assert not verdict_of(cer=0.15)["accepted"]
    assert verdict_of(cer=0.15, language="zh")["accepted"]
    assert verdict_of(cer=9.0, language="zh", style="sung")["accepted"]


def test_a_gate_is_asked_only_where_it_applies() -> None:
    assert verdict_of(rate=3)["accepted"]
    assert not verdict_of(rate=3, speed_level=1)["accepted"]


def test_what_is_not_applicable_passes_unless_it_is_required() -> None:
    assert verdict_of(duration_s=None)["accepted"]
    assert [gate["gate"] for gate in verdict_of(cer=None)["failed_gates"]] == ["words"]


def test_a_row_without_speech_fails_with_its_error_and_nothing_else() -> None:
    failed = verdict_of(duration_s=None, cer=None, error_kind="failed", error="Broke.")
    assert [(gate["gate"], gate["reason"]) for gate in failed["failed_gates"]] == [
        ("spoken", "Broke.")
    ]
    assert verdict_of(error_kind="crashed")["failed_gates"][0]["reason"] == "crashed"


def test_a_broken_scorer_is_no_score_that_does_not_apply() -> None:
    failed = verdict_of(score_errors=[{"scorer": "mos", "error": "OSError: gone"}])["failed_gates"]
    assert [(gate["gate"], gate["reason"]) for gate in failed] == [
        ("measured", "mos failed: OSError: gone")
    ]


def test_a_row_that_stopped_early_is_not_asked_for_what_it_was_spared() -> None:
    failed = verdict_of(duration_s=0.1, cer=None, stopped_by="length")["failed_gates"]
    assert [gate["gate"] for gate in failed] == ["length"]


def test_what_an_older_policy_stopped_is_not_accepted_unseen() -> None:
    failed = verdict_of(cer=None, stopped_by="loudness")["failed_gates"]
    assert [gate["gate"] for gate in failed] == ["measured"]
    assert "'loudness'" in failed[0]["reason"]


def test_a_missing_column_applies_to_no_row() -> None:
    table = pa.table({"request_id": ["a", "b"]})
    assert judge(table, load_policy("default"))["accepted"].to_pylist() == [True, True]
    required = judge(table, POLICY)["failed_gates"].to_pylist()
    assert [[gate["gate"] for gate in row] for row in required] == [["words"], ["words"]]


def test_no_rows_give_no_verdicts() -> None:
    verdicts = judge(SCHEMA.empty_table(), POLICY)
    assert verdicts.num_rows == 0
    assert verdicts.schema == VERDICT_SCHEMA


def test_a_score_that_is_no_number_cannot_be_compared() -> None:
    table = pa.table({"request_id": ["a"], "duration_s": ["long"]})
    with pytest.raises(UsageError, match=r"'length' compares the score 'duration_s'.*no number"):
        judge(table, POLICY)


def sample(language: str, **scores: Any) -> Sample:
    request = Request(Prompt("Hi.", language, "cmn"), "trial", "f", 0).identified()
    return Sample(request, Clip(b""), scores=scores)


def test_only_gates_marked_stop_spare_the_dearer_scorers() -> None:
    (stop,) = stopping_gates(POLICY)
    assert stop.gate == "length"
    assert stop.fails(sample("en", duration_s=0.1))
    assert not stop.fails(sample("en", duration_s=1.0, cer=0.9))
    assert not stop.fails(sample("en"))


def test_stopping_knows_the_slices() -> None:
    (stop,) = stopping_gates(
        parse_policy(
            "gates: [{gate: a, score: characters_per_second, at_most: 32, stop: true, reason: R., "
            "slices: [{language: zh, at_most: 11}]}]"
        )
    )
    assert stop.fails(sample("zh", characters_per_second=15.0))
    assert not stop.fails(sample("en", characters_per_second=15.0))


BY_EDIT = parse_policy("""
gates:
  - {gate: speech, score: speech_ratio, at_least: 0.4, stop: true, reason: Silence.,
     slices: [{edit: [silence, pause], at_least: 0.2}]}
  - {gate: noise, score: step_background, at_most: -0.5, reason: No noise.,
     applies_to: {edit: noise}}
""")


def test_bounds_may_differ_by_edit_and_a_gate_may_be_for_one_alone() -> None:
    rows = [
        {"speech_ratio": 0.3, "step_background": 0.0, "edit": edit}
        for edit in (None, "silence", "noise", "joy 1")
    ]
    rows = [row | {"request_id": str(number)} for number, row in enumerate(rows)]
    found = judge(pa.Table.from_pylist(rows), BY_EDIT).to_pylist()
    failed = [[gate["gate"] for gate in row["failed_gates"]] for row in found]
    assert failed == [["speech"], [], ["speech", "noise"], ["speech"]]
    assert found == [judge_row(row, BY_EDIT) for row in rows]
    older = pa.Table.from_pylist(rows).drop_columns(["edit"])  # from before there was lineage
    found = judge(older, BY_EDIT).to_pylist()
    assert {gate["gate"] for row in found for gate in row["failed_gates"]} == {"speech"}


def test_stopping_knows_the_edit() -> None:
    (stop,) = stopping_gates(BY_EDIT)
    assert stop.fails(sample("en", speech_ratio=0.3))
    assert stop.fails(sample("en", speech_ratio=0.3, edit="noise"))
    assert not stop.fails(sample("en", speech_ratio=0.3, edit="silence"))
    assert stop.fails(sample("en", speech_ratio=0.1, edit="silence"))
