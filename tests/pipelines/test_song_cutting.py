"""Where lines are cut: lyrics are moved to the voice, lines never reach into their neighbours."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lauter.pipelines.song_cutting import (
    MARGIN_S,
    PAD_S,
    cut_span,
    loud_spans_s,
    neighbours_of,
    timing_shift_s,
)

LINES = [(2.0, 5.0), (8.0, 10.0), (14.0, 18.0)]


def power_of(spans: list[tuple[float, float]], length_s: float = 20.0) -> np.ndarray:
    power = np.zeros(round(length_s * 100))
    for start_s, end_s in spans:
        power[round(start_s * 100) : round(end_s * 100)] = 1.0
    return power


@given(st.integers(-18, 18))
def test_late_or_early_lyrics_are_moved_to_the_voice(steps: int) -> None:
    shift_s = steps * 0.05
    lyrics = [(start - shift_s, end - shift_s) for start, end in LINES]
    found = timing_shift_s(lyrics, LINES)
    # What is less than a tenth of a second is within what typing and detectors leave open.
    assert abs(found - shift_s) < 1e-6 or (found == 0.0 and abs(shift_s) <= 0.1)


def test_lyrics_without_gaps_or_a_voice_stay_where_they_are() -> None:
    through = [(0.0, 10.0), (10.0, 20.0)]
    assert timing_shift_s(through, [(0.0, 20.0)]) == 0.0
    assert timing_shift_s(LINES, []) == 0.0


def test_a_line_is_cut_where_its_voice_begins_and_ends() -> None:
    voice = [(2.2, 4.7)]
    start_s, end_s = cut_span(LINES[0], (0.0, 8.0), voice, power_of(voice))
    assert np.allclose((start_s, end_s), (2.2 - PAD_S, 4.7 + PAD_S))


def test_the_end_of_a_note_that_the_detector_missed_is_kept() -> None:
    start_s, end_s = cut_span(LINES[0], (0.0, 8.0), [(2.2, 3.4)], power_of([(2.2, 4.7)]))
    assert np.allclose((start_s, end_s), (2.2 - PAD_S, 4.7 + PAD_S), atol=0.02)


def test_a_line_that_nobody_sings_keeps_its_times() -> None:
    assert cut_span(LINES[1], (5.0, 14.0), [(2.0, 5.0)], power_of([(2.0, 5.0)])) == LINES[1]


def test_loud_stretches_are_found() -> None:
    assert loud_spans_s(power_of(LINES)) == [(2.0, 5.0), (8.0, 10.0), (14.0, 18.0)]
    assert loud_spans_s(np.zeros(100)) == []


_TIMES = st.lists(st.integers(0, 2000), min_size=4, max_size=10, unique=True).map(sorted)


@given(_TIMES, st.data())
def test_no_cut_reaches_far_beyond_its_line(times: list[int], data: st.DataObject) -> None:
    spans = [(a / 100, b / 100) for a, b in zip(times[::2], times[1::2], strict=False)]
    voice = data.draw(st.lists(st.tuples(st.floats(0, 20), st.floats(0.2, 3)), max_size=6))
    heard = sorted((start, start + length) for start, length in voice)
    for line, around in zip(spans, neighbours_of(spans), strict=True):
        start_s, end_s = cut_span(line, around, heard, power_of(heard))
        assert 0 <= start_s < end_s
        assert start_s >= line[0] - MARGIN_S - PAD_S - 0.13
        assert end_s <= line[1] + MARGIN_S + PAD_S + 0.13
