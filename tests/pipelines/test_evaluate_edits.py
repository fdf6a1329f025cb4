"""What moved is told from what did not, and failures are never left out."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import Clip
from lauter.datasets.edits import Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt, Request
from lauter.filters.asr import AsrScorer
from lauter.filters.error_rate import ErrorRateScorer
from lauter.filters.level import LevelScorer
from lauter.filters.margins import DIRECTIONS, SPEED_LEVEL_OCTAVES, Movement
from lauter.filters.prosody import ProsodyScorer
from lauter.filters.speaker import SpeakerScorer
from lauter.filters.vad import VadScorer
from lauter.pipelines.edit_chains import EditStep
from lauter.pipelines.evaluate_edits import EditReport, evaluate_edits, levels_moved, movement
from lauter.pipelines.evaluation_items import Item
from lauter.pipelines.evaluation_systems import Recorded, Spoken
from lauter.student.evaluation import Bootstrap
from lauter.teacher.edit import edit as edited

SCORERS = (LevelScorer, VadScorer, SpeakerScorer, AsrScorer, ErrorRateScorer, ProsodyScorer)
LEVELS = 2


def chain(number: int, edit: Edit) -> list[EditStep]:
    """A real sentence, and the teacher's edits of it."""
    spoken = spoken_sentences()[number]
    source = Clip.of(spoken.samples, spoken.sample_rate)
    steps: list[EditStep] = []
    for level in range(LEVELS + 1):
        felt = {"emotion": edit.what, "emotion_level": level} if level else {}
        samples = edited(spoken.samples, spoken.sample_rate, **felt)  # type: ignore[arg-type]
        prompt = Prompt(spoken.text, "en", "en-US", speaker="heart", **felt)  # type: ignore[arg-type]
        request = Request(prompt, "hibari", "hibari-1", 0).identified()
        steps.append(
            EditStep(
                request,
                Clip.of(samples, spoken.sample_rate),
                None,
                source,
                spoken.text,
                edit=edit,
                number=level,
                before=steps[-1] if steps else None,
            )
        )
    return steps


class Lazy:
    """Says the source again, whatever is asked, and the last time nothing."""

    name = "student"

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        return [self._said(item) for item in items if isinstance(item, EditStep)]

    def _said(self, step: EditStep) -> Spoken:
        clip = step.source.recording
        assert clip is not None
        if step.number == LEVELS:
            return Spoken(None, clip.sample_rate, "empty", 0.1)
        return Spoken(clip.samples, clip.sample_rate, None, 0.1)


@pytest.fixture(scope="module")
def report() -> EditReport:
    chains = [chain(0, Edit("sadness", 1)), chain(4, Edit("sadness", 1))]
    return evaluate_edits(
        chains, [Recorded(), Lazy()], SCORERS, bootstrap=Bootstrap(200), batch_size=4
    )


def test_the_teachers_edit_moves_level_by_level(report: EditReport) -> None:
    assert report.chains == {"sadness+1": 2}
    source, first, second = report.figures["sadness+1"]["teacher"]
    assert source.moved is None and source.levels is None and source.cer is not None
    for passed in (first, second):
        assert passed.clearly is not None and passed.clearly.value == 1.0
        assert passed.clearly_on is not None and passed.clearly_on.value == 1.0
    assert first.levels and second.levels
    assert first.levels.value == pytest.approx(1.0, abs=0.5)
    assert second.levels.value == pytest.approx(2.0, abs=0.6)
    assert second.failures == {}


def test_who_changes_nothing_and_who_says_nothing_has_not_moved(report: EditReport) -> None:
    source, first, second = report.figures["sadness+1"]["student"]
    assert source.failures == {}
    assert first.moved and first.moved.value == 0.0
    assert first.levels and first.levels.value == pytest.approx(0.0, abs=1e-6)
    assert second.failures == {"empty": 2}
    assert second.moved and second.moved.value == 0.0 and second.moved.utterances == 2
    assert second.levels is None, "of silence no movement is known"
    assert second.cer and second.cer.value == 1.0


def test_without_a_scorer_that_sees_movement_there_is_no_figure() -> None:
    with pytest.raises(UsageError, match="no scorer 'level'"):
        evaluate_edits(
            [chain(0, Edit("joy", 1))[:1]],
            [Recorded()],
            (AsrScorer, ErrorRateScorer),
            bootstrap=Bootstrap(100),
        )


@given(st.sampled_from(list(DIRECTIONS)), st.floats(-5, 5))
def test_along_its_direction_an_emotion_moves_as_many_levels_as_it_was_moved(
    emotion: str, levels: float
) -> None:
    one = DIRECTIONS[emotion]
    moved = Movement(
        one.pitch_st * levels,
        one.range_octaves * levels,
        one.energy_db * levels,
        (one.rate_octaves or 0.0) * levels,
    )
    assert levels_moved(moved, Edit(emotion, 1)) == pytest.approx(levels, abs=1e-9)
    assert levels_moved(moved, Edit(emotion, -1)) == pytest.approx(-levels, abs=1e-9)


@given(st.floats(0.2, 5))
def test_twice_as_short_is_twice_as_fast(factor: float) -> None:
    figures = {"f0_mean_hz": 200.0, "f0_range_st": 6.0, "energy_db": -23.0, "speech_s": 2.0}
    moved = movement(figures, figures | {"speech_s": 2.0 / factor})
    assert moved is not None and moved.rate_octaves is not None
    assert 2**moved.rate_octaves == pytest.approx(factor)
    levels = levels_moved(moved, Edit("speed", 1))
    assert levels == pytest.approx(moved.rate_octaves / SPEED_LEVEL_OCTAVES)


def test_what_has_no_pitch_is_not_measured() -> None:
    figures = {"f0_range_st": 6.0, "energy_db": -23.0, "speech_s": 2.0}
    assert movement(figures, figures) is None
