"""Policies: what is wrong with one is said in a sentence, and its examples hold."""

from pathlib import Path

import pytest

from lauter.datasets.errors import UsageError
from lauter.filters.policy import (
    POLICY_FOLDER,
    Bounds,
    check_examples,
    check_scores,
    load_policy,
    parse_policy,
)

SHIPPED = sorted(path.stem for path in POLICY_FOLDER.glob("*.yaml"))
GATE = "{gate: a, score: cer, at_most: 0.1, reason: Wrong.}"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_examples_of_the_policies_that_come_with_lauter_hold(name: str) -> None:
    policy = load_policy(name)
    assert policy.name == name
    assert check_examples(policy) == []


def test_an_example_that_a_gate_gets_wrong_is_told() -> None:
    policy = parse_policy(
        """
gates:
  - gate: words
    score: cer
    at_most: 0.1
    slices: [{language: zh, at_most: 0.3}]
    reason: Wrong.
    examples: {pass: [0.05, 0.2], fail: [{figure: 0.2, language: zh}]}
  - {gate: bare, score: wer, at_most: 1, reason: Wrong.}
"""
    )
    assert check_examples(policy) == [
        "the gate 'words' should pass cer 0.2, and does not",
        "the gate 'words' should fail cer 0.2 for {'language': 'zh'}, and does not",
        "the gate 'bare' needs examples that pass and examples that fail",
    ]


def test_layout_comments_and_examples_do_not_change_a_policy() -> None:
    short = parse_policy("gates: [{gate: a, score: cer, at_most: 1, reason: Wrong.}]")
    long = parse_policy(
        """
# The same, at length.
name: long
gates:
  - reason: >
      Wrong.
    at_most: 1.0
    stop: false
    score: cer
    gate: a
    examples: {pass: [0], fail: [2]}
"""
    )
    assert short.digest == long.digest == "bb1fce64c10998936e92a97886cef29a"


@pytest.mark.parametrize(
    "other",
    [
        "{gate: b, score: cer, at_most: 0.1, reason: Wrong.}",
        "{gate: a, score: wer, at_most: 0.1, reason: Wrong.}",
        "{gate: a, score: cer, at_least: 0.1, reason: Wrong.}",
        "{gate: a, score: cer, at_most: 0.2, reason: Wrong.}",
        "{gate: a, score: cer, at_most: 0.1, reason: Other.}",
        "{gate: a, score: cer, at_most: 0.1, reason: Wrong., stop: true}",
        "{gate: a, score: cer, at_most: 0.1, reason: Wrong., required: true}",
        "{gate: a, score: cer, at_most: 0.1, reason: Wrong., applies_to: {language: zh}}",
        "{gate: a, score: cer, at_most: 0.1, reason: Wrong., slices: [{style: rap, at_most: 1}]}",
        "{gate: a, score: cer, absent: true, reason: Wrong.}",
    ],
)
def test_whatever_shows_in_a_verdict_changes_the_policy(other: str) -> None:
    assert parse_policy(f"gates: [{GATE}]").digest != parse_policy(f"gates: [{other}]").digest


def test_a_whole_number_is_the_same_in_either_spelling() -> None:
    def digest(level: str) -> str:
        return parse_policy(
            f"gates: [{{gate: a, score: cer, at_most: 1, reason: R., "
            f"slices: [{{emotion_level: {level}, at_most: 2}}]}}]"
        ).digest

    assert digest("2") == digest("2.0") == digest("[2]") != digest("3")


def test_between_is_at_least_and_at_most() -> None:
    (gate,) = parse_policy("gates: [{gate: a, score: cer, between: [0, 1], reason: R.}]").gates
    assert gate.bounds == Bounds(0.0, 1.0)
    assert gate.thresholds == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gates: [", "is no valid YAML at line 1"),
        ("just words", "is no policy; it needs `name:` and a list of `gates:`"),
        ("gates: [words]", "gate 1 of the policy is no mapping"),
        ("gates: [{gate: a, score: b, at_most: 1}]", "'a' of the policy has no reason"),
        ("gates: [{gate: a, score: b, reason: R.}]", "needs at_least, at_most, both, or between"),
        ("gates: [{gate: a, score: b, reason: R., absent: true, at_most: 1}]", "needs at_least"),
        ("gates: [{gate: a, score: b, reason: R., at_mots: 1}]", "did you mean at_most?"),
        ("gates: [{gate: a, score: b, reason: R., at_most: high}]", "'high', which is no number"),
        ("gates: [{gate: a, score: b, reason: R., at_most: .nan}]", "nan, which is no number"),
        ("gates: [{gate: a, score: b, reason: R., at_least: 2, at_most: 1}]", "lets nothing pass"),
        ("gates: [{gate: a, score: b, reason: R., at_least: .inf}]", "lets nothing pass"),
        ("gates: [{gate: a, score: b, reason: R., between: [1]}]", "write [a, b]"),
        ("gates: [{gate: a, score: b, reason: R., at_most: 1, stop: 3}]", "write true or false"),
        ("gates: [{gate: spoken, score: b, reason: R., at_most: 1}]", "every policy has"),
        (f"gates: [{GATE}, {GATE}]", "two gates named a; rename one"),
        (GATE.replace("}", ", slices: [{langage: zh, at_most: 1}]}"), "did you mean language?"),
        (GATE.replace("}", ", slices: [{style: rapp, at_most: 1}]}"), "did you mean rap?"),
        (GATE.replace("}", ", slices: [{style: rap}]}"), "give one column and the bounds there"),
        (
            GATE.replace("}", ", applies_to: {edit: denoize}}"),
            "names the edit 'denoize', which there is not; did you mean denoise?",
        ),
        (GATE.replace("}", ", slices: [{edit: joy 6, at_most: 1}]}"), "did you mean joy 5?"),
        (GATE.replace("}", ", applies_to: {speed_level: 9}}"), "speed_level '9', which there is"),
        (GATE.replace("}", ", applies_to: [zh]}"), "no mapping of columns to values"),
        (GATE.replace("}", ", examples: {pass: [good]}}"), "an example without a figure: 'good'"),
        (GATE.replace("}", ", examples: [1]}"), "no mapping of `pass:` and `fail:`"),
        (GATE.replace("}", ", slices: [{emotion: [], at_most: 1}]}"), "no emotion in an empty"),
        (GATE.replace("}", ", applies_to: {emotion: []}}"), "no emotion in an empty list"),
        (GATE.replace("0.1", "2020-13-45"), "is no valid YAML (month must be in 1..12)"),
        (GATE.replace("0.1", "9" * 400), "has at_most beyond all numbers"),
        (GATE.replace("0.1", "9" * 5000), "is no valid YAML"),
        (GATE.replace("}", f", examples: {{pass: [{'9' * 400}]}}}}"), "figure beyond all numbers"),
        (f"gates: {'[' * 5000}{']' * 5000}", "is no valid YAML (maximum recursion depth"),
        (GATE.replace("}", ", at_most: 0.9}"), "the key 'at_most' stands twice"),
        (f"gates: [{GATE}]\ngates: []", "at line 1 (the key 'gates' stands twice)"),
        (f"gates: [{GATE}]\ngate: []", "has an unknown key 'gate'; it has `name:` and `gates:`"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_in_one_sentence(text: str, sentence: str) -> None:
    text = f"gates: [{text}]" if text.startswith("{") else text
    with pytest.raises(UsageError) as refused:
        parse_policy(text)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_score_that_nothing_measures_is_answered_with_the_nearest() -> None:
    policy = parse_policy("gates: [{gate: a, score: speech_ration, at_most: 1, reason: R.}]")
    with pytest.raises(UsageError, match=r"did you mean speech_ratio\?"):
        check_scores(policy, ["cer", "speech_ratio"])
    check_scores(policy, ["speech_ration"])


def test_a_gate_that_compares_what_is_no_number_is_refused() -> None:
    policy = parse_policy("gates: [{gate: a, score: text, at_most: 1, reason: R.}]")
    with pytest.raises(UsageError, match="compares the score 'text', which is no number"):
        check_scores(policy, ["text"], ["text"])
    missing = parse_policy("gates: [{gate: a, score: text, absent: true, reason: R.}]")
    check_scores(missing, ["text"], ["text"])


def test_a_policy_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="default, intelligible, permissive"):
        load_policy("strict")
    with pytest.raises(UsageError, match="no policy file"):
        load_policy(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no UTF-8 text"):
        load_policy(tmp_path / "binary.yaml")
