"""The page holds every system's sound of every text shown, and nothing from outside."""

import base64
import re
from dataclasses import replace

import pytest
from evaluated_speech import HOSTILE, evaluated
from page_elements import elements_of

from lauter.datasets.marking import Synthetic, marks_of, unmarked
from lauter.orchestration.evaluation.page import MARK, chosen, evaluation_page
from lauter.pipelines.evaluate import Evaluation
from lauter.pipelines.evaluation_report import report
from lauter.student.evaluation import Bootstrap

pytestmark = pytest.mark.slow


def page_of(evaluation: Evaluation, samples: int = 9, against: str | None = "teacher") -> str:
    figures = report(evaluation, against=against, margin=0.05, bootstrap=Bootstrap(200))
    return evaluation_page(
        figures,
        evaluation,
        samples=samples,
        fingerprints={"student": "f00d", "codec": "c0de"},
        device="a lathe",
    )


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(evaluated())


def test_every_sound_of_every_system_is_there(page: str) -> None:
    sounds = [a for tag, a in elements_of(page) if tag == "audio"]
    clips = [one.clip for measured in evaluated().systems.values() for one in measured]
    flacs = [base64.b64decode(str(sound["src"]).split(",")[1]) for sound in sounds]
    assert sorted(map(unmarked, flacs)) == sorted(clip.encoded for clip in clips if clip)
    assert len(sounds) == 14 and page.count("nothing to hear") == 1  # of 15, one was never said
    assert all("controls" in sound and sound["aria-label"] for sound in sounds)


def test_every_sound_says_who_made_it(page: str) -> None:
    told = set()
    for tag, attributes in elements_of(page):
        if tag == "audio":
            marks = marks_of(base64.b64decode(str(attributes["src"]).split(",")[1]))
            assert marks and marks.voice == "heart" and marks.synthetic == Synthetic.YES
            said_by = str(attributes["aria-label"]).split(":")[0]
            told.add((said_by, marks.teacher, marks.teacher_fingerprint))
    assert told == {
        ("teacher", "hibari", "hibari-1"),
        ("resynthesis", "resynthesis", "c0de"),
        ("student", "student", "f00d"),
    }


def test_nothing_lies_outside_the_file(page: str) -> None:
    for tag, attributes in elements_of(page):
        for name in ("src", "href", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), tag
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|https?://", page)
    assert "default-src 'none'" in page and MARK.decode() in page
    named = {attributes.get("id") for _, attributes in elements_of(page)}
    assert {str(a["href"])[1:] for tag, a in elements_of(page) if tag == "a"} <= named


def test_a_text_cannot_become_part_of_the_page(page: str) -> None:
    assert HOSTILE not in page and page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; a {{ kettle }}" in page


def test_it_tells_the_verdict_the_failures_and_where_it_was_measured(page: str) -> None:
    for told in (
        "Gate missed", "was not shown to be as good as the teacher", "failed: <b>no end</b>",
        "heard as <b>truncated</b>", "yue 1", "So few texts", "a lathe", "f00d",
        "student − teacher", "real-time factor",
    ):  # fmt: skip
        assert told in page, told
    assert "Gate missed" not in page_of(evaluated(), against=None)


def test_the_worst_come_first_and_the_fair_sample_is_the_smallest_ids() -> None:
    worst, fair = chosen(evaluated(), 3)
    student = evaluated().systems["student"]
    assert {worst[0], worst[1]} == {1, 3} and student[worst[2]].edits > 0
    rest = [position for position in range(5) if position not in worst]
    assert fair == sorted(rest, key=lambda p: student[p].item.request.request_id)
    assert chosen(evaluated(), 0) == ([], [])


def test_without_errors_there_is_no_worst_and_the_bars_have_a_width() -> None:
    alone = replace(evaluated(), systems={"teacher": evaluated().systems["teacher"][1:]})
    page = page_of(alone, against=None)
    assert "The worst of" not in page and "A fair sample" in page and "Differences" not in page


def test_the_same_evaluation_gives_the_same_page(page: str) -> None:
    assert page_of(evaluated()) == page
