"""Charts: every point is where its figures say, and a file of its own needs no page."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.orchestration.scaling.chart import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Axis,
    Series,
    axis,
    chart,
    figure,
    standalone,
)

figures = st.floats(0.01, 1e6)
points = st.lists(st.tuples(figures, figures), min_size=1, max_size=8)


@given(points, st.booleans(), st.booleans())
def test_every_point_lies_within_the_axes_and_says_its_figures(
    found: list[tuple[float, float]], across: bool, down: bool
) -> None:
    x = axis("x", [point[0] for point in found], logarithmic=across)
    y = axis("y", [point[1] for point in found], logarithmic=down)
    drawing = ET.fromstring(chart([Series("a", "mark", tuple(found))], x, y, told="a & b"))
    dots = list(drawing.iter("circle"))
    assert drawing.get("aria-label") == "a & b"
    assert len(dots) == len(found)
    for dot, point in zip(dots, found, strict=True):
        assert LEFT - 0.1 <= float(dot.attrib["cx"]) <= RIGHT + 0.1
        assert TOP - 0.1 <= float(dot.attrib["cy"]) <= BOTTOM + 0.1
        assert f"a, {figure(point[0])}: {figure(point[1])}" == dot[0].text
    assert len([line for line in drawing.iter("line") if "line" in line.attrib["class"]]) >= len(
        found
    )


@given(st.floats(1e-3, 1e6), st.floats(2, 1e6))
def test_a_logarithmic_axis_has_round_ticks_within_it(low: float, times: float) -> None:
    found = Axis("x", low, low * times, logarithmic=True).ticks()
    assert len(found) <= 10
    assert all(low <= tick <= low * times for tick in found)
    assert all(re.fullmatch(r"[125]0*(\.0)?|0?\.0*[125]", f"{tick:.15g}") for tick in found)


def test_ten_times_as_much_is_as_far_everywhere_on_a_logarithmic_axis() -> None:
    along = Axis("x", 1, 1000, logarithmic=True)
    places = [along.place(figure, 0, 300) for figure in (1, 10, 100, 1000)]
    assert places == pytest.approx([0, 100, 200, 300])


def test_an_interval_is_drawn_from_its_low_to_its_high_end() -> None:
    series = Series("a", "mark", ((1.0, 5.0),), ((4.0, 6.0),))
    drawing = ET.fromstring(chart([series], axis("x", [1.0]), axis("y", [0.0, 10.0]), told=""))
    (interval,) = (line for line in drawing.iter("line") if "interval" in line.attrib["class"])
    up = axis("y", [0.0, 10.0])
    ends = [f"{up.place(end, BOTTOM, TOP):.1f}" for end in (4.0, 6.0)]
    assert [interval.attrib["y1"], interval.attrib["y2"]] == ends
    assert "5 (4 to 6)" in ET.tostring(drawing, encoding="unicode")


def test_a_dashed_line_has_no_points() -> None:
    series = Series("by hand", "soft", ((1.0, 1.0), (2.0, 2.0)), dashed=True)
    drawing = chart([series], axis("x", [1.0, 2.0]), axis("y", [2.0]), told="")
    assert "<circle" not in drawing and "dashed" in drawing


def test_a_chart_of_its_own_brings_its_colours_for_light_and_dark() -> None:
    series = Series("a < b", "mark", ((1.0, 1.0),))
    alone = standalone(chart([series], axis("x", [1.0]), axis("y", [1.0]), told="one"))
    drawing = ET.fromstring(alone)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme: dark" in alone and "--mark:" in alone
    assert "a &lt; b" in alone and "http://" not in alone.replace("http://www.w3.org/2000/svg", "")
