"""The counts and the sample that a report shows."""

from dataclasses import replace

import pytest
from judged_corpus import judged_corpus

from lauter.datasets.corpus import Corpus
from lauter.datasets.marking import marks_of
from lauter.filters.policy import Policy, parse_policy
from lauter.orchestration.audit.facts import AuditFacts, gather

POLICY = """
name: strict
gates:
  - gate: cer
    score: cer
    at_most: 0.2
    slices: [{language: ja, at_most: 0.4}]
    reason: it says something else
"""
ROWS = 120


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return judged_corpus(tmp_path_factory.mktemp("judged") / "corpus", ROWS)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return replace(parse_policy(POLICY), digest="p1")


@pytest.fixture(scope="module")
def facts(corpus: Corpus, policy: Policy) -> AuditFacts:
    return gather(corpus, policy, samples=3)


def test_shares_add_up_to_the_corpus(corpus: Corpus, facts: AuditFacts) -> None:
    kept = corpus.verdicts()["accepted"].to_pylist().count(True)
    for shares in facts.axes.values():
        assert sum(share.whole for _, share in shares) == ROWS
        assert sum(share.part for _, share in shares) == kept
    assert [name for name, _ in facts.axes["dialect"]] == ["cmn", "en-US", "ja-JP"]


def test_rows_without_a_verdict_are_told_apart_from_rejected_ones(facts: AuditFacts) -> None:
    assert facts.unjudged == ROWS // 10  # those that failed to be spoken were not judged here


def test_a_gate_says_how_many_it_rejected_and_how_many_it_alone(
    corpus: Corpus, facts: AuditFacts
) -> None:
    (rejection,) = facts.rejections
    refused = corpus.verdicts()["accepted"].to_pylist().count(False)
    assert (rejection.gate, rejection.share.part, rejection.alone) == ("cer", refused, refused)
    assert rejection.share.whole == ROWS - facts.unjudged


def test_the_sample_is_the_smallest_ids_of_each_kind(corpus: Corpus, facts: AuditFacts) -> None:
    table = [
        row
        for batch in corpus.scan_judged(["request_id", "dialect"])
        for row in batch.to_pylist()
        if row["accepted"] is not None
    ]
    for dialect, shown in facts.accepted.items():
        of_dialect = (row for row in table if row["accepted"] and row["dialect"] == dialect)
        smallest = sorted(row["request_id"] for row in of_dialect)[:3]
        assert [one.row["request_id"] for one in shown] == smallest
        for one in shown:
            marks = marks_of(one.row["audio"])
            assert marks is not None and marks.request_id == one.row["request_id"]
    refused = sorted(row["request_id"] for row in table if not row["accepted"])[:3]
    assert [one.row["request_id"] for one in facts.rejected["cer"]] == refused
    assert all(one.row["audio"][:4] == b"fLaC" for one in facts.rejected["cer"])
    assert all(one.failed_gates[0]["figure"] == 0.5 for one in facts.rejected["cer"])


def test_each_slice_has_its_own_bounds_and_figures(corpus: Corpus, facts: AuditFacts) -> None:
    ((gate, panels),) = facts.distributions
    assert gate.name == "cer"
    assert [(panel.label, panel.thresholds) for panel in panels] == [
        ("all others", [0.2]),
        ("language ja", [0.4]),
    ]
    measured = corpus.count("cer IS NOT NULL AND NOT isnan(cer)")
    assert sum(len(panel.accepted) + len(panel.rejected) for panel in panels) == measured
    assert all(figure == 0.5 for panel in panels for figure in panel.rejected)


def test_it_is_told_who_spoke_and_who_measured(facts: AuditFacts) -> None:
    assert facts.made_with["teacher"] == ["noise"]
    assert facts.made_with["asr_fingerprint"] == ["ears-1"]
    assert len(facts.made_with["seed"]) == ROWS


def test_without_samples_nothing_is_played(corpus: Corpus, policy: Policy) -> None:
    silent = gather(corpus, policy, samples=0)
    assert not silent.rejected and not any(silent.accepted.values())
