"""Which evaluation is the best so far, and what is said of one that is no number."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from lauter.student.examination import Examination, is_best, reckon
from lauter.student.training_state import Progress

strange = st.sampled_from([math.nan, math.inf, -math.inf])
figures = st.lists(st.one_of(strange, st.floats(0, 9)), max_size=12)


@given(figures)
def test_the_best_is_the_first_least_number_wherever_others_stand(found: list[float]) -> None:
    progress = Progress()
    chosen = []
    for progress.step, figure in enumerate(found, start=1):
        if is_best(progress, figure, "cer"):
            chosen.append(progress.step)
        reckon(progress, figure, "cer")
    numbers = [figure for figure in found if math.isfinite(figure)]
    if not numbers:
        assert (progress.best, chosen, progress.since_best) == (None, [], len(found))
        return
    assert progress.best == min(numbers)
    assert progress.best_step == chosen[-1] == found.index(min(numbers)) + 1
    assert progress.since_best == len(found) - progress.best_step
    assert progress.evaluated == len(found)


def test_a_best_without_a_name_for_its_measure_stays_and_no_number_takes_nothing_away() -> None:
    before = Progress(step=9, best=0.05, best_step=6)
    assert not is_best(before, 0.5, "cer") and is_best(before, 0.01, "cer")
    reckon(before, 0.01, "cer")
    reckon(before, math.nan, "loss {}")
    assert (before.best, before.measure, before.since_best) == (0.01, "cer", 1)
    reckon(before, 3.0, "loss {}")
    assert (before.best, before.measure, before.since_best) == (3.0, "loss {}", 0)


def test_speech_decides_where_it_was_measured_else_the_loss() -> None:
    slices = {"all": {"loss": 2.0}}
    assert Examination(slices, {"cer": 0.5}).figure == 0.5
    assert Examination(slices, {"failed": 0.5}).figure == Examination(slices, {}).figure == 2.0


def test_a_held_out_split_without_a_place_yields_no_number() -> None:
    assert math.isnan(Examination({"all": {}}, {}).figure)


def test_the_log_stays_json_and_says_what_is_no_number() -> None:
    lost = Examination({"all": {"loss": math.nan, "semantic_sequence": 1.0}}, {"failed": 1.0})
    assert lost.note is not None and lost.note.startswith("the held-out loss is no number (nan)")
    assert lost.logged() == {
        "all/loss": None, "all/semantic_sequence": 1.0, "spoken/failed": 1.0, "note": lost.note
    }  # fmt: skip
    json.dumps(lost.logged(), allow_nan=False)
    assert "note" not in Examination({"all": {"loss": 1.0}}, {}).logged()
