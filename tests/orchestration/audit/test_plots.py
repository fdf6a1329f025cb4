"""Histograms: every figure is in a bar, every threshold has its line, words say the same."""

import re
import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lauter.filters.policy import Bounds
from lauter.orchestration.audit.distributions import Panel
from lauter.orchestration.audit.plots import histogram, limits, ticks

figures = st.lists(st.floats(-1e6, 1e6), max_size=40)


def panel(accepted: list[float], rejected: list[float], bounds: Bounds) -> Panel:
    return Panel("all", bounds, np.array(accepted, float), np.array(rejected, float))


@given(figures, figures, st.floats(-1e6, 1e6))
def test_every_figure_is_counted_once_and_the_threshold_is_in_sight(
    accepted: list[float], rejected: list[float], threshold: float
) -> None:
    if not accepted + rejected:
        return
    shown = panel(accepted, rejected, Bounds(upper=threshold))
    drawing = ET.fromstring(histogram("cer", shown))
    counts = {"accepted": 0, "rejected": 0}
    for title in drawing.iter("title"):
        number, word = (title.text or "").rsplit(": ", 1)[1].split()
        counts[word] += int(number)
    assert counts == {"accepted": len(accepted), "rejected": len(rejected)}
    lines = [line for line in drawing.iter("line") if line.get("class") == "threshold"]
    assert len(lines) == 1 and 8 <= float(lines[0].attrib["x1"]) <= 312
    assert all(float(bar.attrib["y"]) > 0 for bar in drawing.iter("rect"))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_an_axis_has_a_few_round_ticks_within_it(low: float, length: float) -> None:
    found = ticks(low, low + length)
    assert 2 <= len(found) <= 6
    assert all(low - 1e-6 * length <= tick <= low + length * (1 + 1e-6) for tick in found)


def test_one_stray_figure_does_not_press_the_others_into_one_bar() -> None:
    low, high = limits(panel([0.01 * n for n in range(200)], [1e6], Bounds(upper=1.0)))
    assert low < 0.1 and high < 3.0


def test_a_screen_reader_hears_the_bounds_and_the_spread() -> None:
    drawing = histogram("wer", panel([0.0, 0.1], [0.5], Bounds(0.0, 0.2)))
    (told,) = re.findall(r'aria-label="([^"]+)"', drawing)
    assert told.startswith("wer, all, must be at least 0 and at most 0.2. 2 accepted, median 0.05")
    assert told.endswith("1 rejected, median 0.5, nine in ten from 0.5 to 0.5.")
