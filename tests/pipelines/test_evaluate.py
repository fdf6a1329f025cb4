"""An evaluation of real speech by real scorers: nothing that failed is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from evaluated_speech import SCORERS, Broken, evaluated, items

from lauter.datasets.errors import LauterError, UsageError
from lauter.filters.asr import AsrScorer
from lauter.filters.error_rate import ErrorRateScorer
from lauter.filters.level import LevelScorer
from lauter.filters.protocol import Sample
from lauter.pipelines.evaluate import Measured, evaluate
from lauter.pipelines.evaluation_report import report
from lauter.pipelines.evaluation_systems import Recorded, Spoken
from lauter.student.evaluation import Bootstrap

FEW = Bootstrap(resamples=200)
pytestmark = pytest.mark.slow


def test_a_text_without_an_answer_counts_with_all_its_characters_lost() -> None:
    student = evaluated().systems["student"]
    kept = [(one.failure, one.edits == one.characters) for one in student[1:4]]
    assert kept == [("no end", True), (None, False), ("empty", True)]
    assert student[1].transcript and student[1].word_edits == student[1].words
    assert student[3].clip is None and student[3].transcript is None
    assert [one.fault for one in student] == [None, None, "truncated", None, None]


def test_the_rate_of_a_set_is_all_edits_over_all_characters() -> None:
    figures = report(evaluated(), against="teacher", margin=0.05, bootstrap=FEW)
    for name, measured in evaluated().systems.items():
        judged = [one for one in measured if one.applicable]
        system = figures.systems[name]
        assert system.edits == sum(one.edits for one in judged)
        assert system.figures["cer"].value == system.edits / system.characters
        assert system.figures["cer"].utterances == 4
    student = figures.systems["student"]
    assert student.failures == {"empty": 1, "no end": 1} and student.faults == {"truncated": 1}
    assert student.failed == 2


def test_systems_are_compared_on_the_same_texts_and_the_gap_is_taken_apart() -> None:
    figures = report(evaluated(), against="resynthesis", margin=0.05, bootstrap=FEW)
    pairs = [(one.system, one.against) for one in figures.comparisons]
    assert pairs == [
        ("resynthesis", "teacher"), ("student", "teacher"), ("student", "resynthesis")
    ]  # fmt: skip
    codec, whole, own = (one.differences["cer"].value for one in figures.comparisons)
    assert whole == pytest.approx(codec + own)
    assert figures.comparisons[0].differences["speaker_similarity"].high < 0
    assert figures.verdict is not None and not figures.verdict.holds
    assert figures.verdict.difference == figures.comparisons[2].differences["cer"]


def test_a_dialect_that_the_recogniser_does_not_know_is_in_no_rate_and_is_told() -> None:
    figures = report(evaluated(), against=None, margin=0.05, bootstrap=FEW)
    assert figures.not_heard == {"yue": 1} and figures.texts == 5
    assert not any(measured[4].applicable for measured in evaluated().systems.values())
    assert figures.systems["teacher"].figures["speaker_similarity"].utterances == 5
    assert figures.verdict is None


@pytest.mark.parametrize(("margin", "holds"), [(0.0, False), (0.05, True)])
def test_where_nobody_errs_a_margin_of_zero_is_not_met_and_any_other_is(
    margin: float, holds: bool
) -> None:
    found = evaluated()
    flawless = {
        name: [replace(one, edits=0, word_edits=0, failure=None, fault=None) for one in measured]
        for name, measured in found.systems.items()
    }
    figures = report(
        replace(found, systems=flawless), against="teacher", margin=margin, bootstrap=FEW
    )
    assert figures.verdict is not None and figures.verdict.holds is holds
    assert "no text tells them apart (texts: 4)" in figures.verdict.sentence


def test_slices_are_made_where_there_is_more_than_one_value() -> None:
    figures = report(evaluated(), against="teacher", margin=0.05, bootstrap=FEW)
    assert [(piece.axis, piece.value, piece.texts) for piece in figures.slices] == [
        ("language", "en", 4), ("language", "zh", 1), ("dialect", "en-US", 4),
        ("dialect", "yue", 1), ("emotion", "joy", 2), ("emotion", "neutral", 3),
    ]  # fmt: skip
    joy, unheard = figures.slices[4], figures.slices[3]
    assert joy.systems["student"]["cer"].value == 1.0 and joy.difference is not None
    assert joy.difference.value == 1.0 - joy.systems["teacher"]["cer"].value
    assert list(unheard.systems["student"]) == ["speaker_similarity"]
    assert unheard.difference is None


def test_margins_are_told_by_the_emotion_that_was_asked_for() -> None:
    def with_margin(one: Measured) -> Measured:
        joyful = one.item.request.prompt.emotion == "joy"
        return replace(one, figures={"emotion_margin": 0.5} if joyful else {})

    systems = {
        name: [with_margin(one) for one in measured]
        for name, measured in evaluated().systems.items()
    }
    found = replace(evaluated(), systems=systems)
    figures = report(found, against=None, margin=0.05, bootstrap=FEW)
    margins = {
        piece.value: piece.systems["student"].get("emotion_margin")
        for piece in figures.slices
        if piece.axis == "emotion"
    }
    assert margins["neutral"] is None and margins["joy"] is not None
    assert (margins["joy"].value, margins["joy"].utterances) == (0.5, 2)


def test_the_time_a_system_took_is_over_what_can_be_heard_of_it() -> None:
    teacher, student = (evaluated().systems[name] for name in ("teacher", "student"))
    figures = report(evaluated(), against=None, margin=0.0, bootstrap=FEW)
    seconds = sum(one.clip.duration_s for one in student if one.clip)
    factor = figures.systems["student"].figures["real_time_factor"]
    assert factor.value == pytest.approx(0.2 * 4 / seconds) and factor.utterances == 4
    assert figures.systems["teacher"].figures["real_time_factor"].utterances == len(teacher)


class CannedAsr:
    """Hears what was asked, or fails on it."""

    name = "asr"
    fields = AsrScorer.fields
    breaks: ClassVar[bool] = False

    def fingerprint(self) -> str:
        return "canned"

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        if self.breaks:
            raise RuntimeError("the ear is deaf")
        return [{"transcript": sample.request.prompt.text} for sample in samples]


class DeafAsr(CannedAsr):
    breaks = True


class BrokenLevel(LevelScorer):
    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        return [ValueError("no level") for _ in samples]


def test_what_ran_on_is_never_better_for_it() -> None:
    class Babbling:
        name = "student"

        def speak(self, items: Sequence[Any]) -> list[Spoken]:
            return [Spoken(i.recording.samples, i.recording.sample_rate, "no end", 1.0)
                    for i in items]  # fmt: skip

    class LongAsr(CannedAsr):
        def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
            return [{"transcript": "round and " * 40} for _ in samples]

    found = evaluate(items()[:1], [Babbling()], [LongAsr, ErrorRateScorer])
    (one,) = found.systems["student"]
    assert one.edits > one.characters and one.fault == "repeated"


def test_a_recogniser_that_fails_ends_the_evaluation_and_another_scorer_does_not() -> None:
    with pytest.raises(LauterError, match=r"'asr' failed on .*the ear is deaf") as raised:
        evaluate(items()[:2], [Recorded()], [DeafAsr, ErrorRateScorer])
    assert raised.value.exit_code == 1
    found = evaluate(items()[:2], [Recorded()], [BrokenLevel, CannedAsr, ErrorRateScorer])
    assert found.score_errors == {"level": "ValueError: no level"}
    assert [one.edits for one in found.systems["teacher"]] == [0, 0]
    assert found.scorers["asr"] == "canned"


def test_batches_change_nothing() -> None:
    told: list[tuple[int, int]] = []
    scorers = [CannedAsr, ErrorRateScorer]
    systems = [Recorded(), Broken()]
    whole = evaluate(items(), systems, scorers)
    apart = evaluate(items(), systems, scorers, batch_size=2, on_texts=lambda *n: told.append(n))
    assert told == [(2, 5), (4, 5), (5, 5)]
    for name in whole.systems:
        pairs = zip(whole.systems[name], apart.systems[name], strict=True)
        assert all(one.edits == two.edits and one.failure == two.failure for one, two in pairs)


def test_what_cannot_be_evaluated_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="there are no texts"):
        evaluate([], [Recorded()], SCORERS)
    with pytest.raises(UsageError, match=r"no scorer 'asr'.*filters=default"):
        evaluate(items(), [Recorded()], [LevelScorer, ErrorRateScorer])
    with pytest.raises(UsageError, match=r"against is 'mother'.*teacher or resynthesis"):
        report(evaluated(), against="mother", margin=0.05, bootstrap=FEW)
    only_unheard = {
        name: [replace(one, applicable=False) for one in measured]
        for name, measured in evaluated().systems.items()
    }
    with pytest.raises(UsageError, match="knows none of the dialects en-US, yue"):
        report(replace(evaluated(), systems=only_unheard), against=None, margin=0, bootstrap=FEW)
