"""`lauter scaling` on a small question: what it prints, writes and refuses."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from asking import Answer, Ask

SMALL = [
    "scaling.hours=10000",
    "scaling.cards=[32,64]",
    "scaling.at=64",
    "scaling.losses=[0,0.5]",
    "scaling.seeds=2",
    "scaling.window_h=2",
    "scaling.parcels=200",
]
PLOTS = ("cards", "speeds", "losses", "recognisers", "time")


@pytest.fixture
def answered(ask: Ask, tmp_path: Path) -> tuple[Answer, Path]:
    folder = tmp_path / "scaling"
    return ask("scaling", *SMALL, f"scaling.folder={folder}"), folder


def test_it_prints_a_table_and_writes_figures_a_page_and_plots(
    answered: tuple[Answer, Path],
) -> None:
    answer, folder = answered
    assert answer.code == 0
    assert "10,000 hours of accepted speech" in answer.out
    assert re.search(r"│ +64 │ +40 \+ 7 \+ 17 │ +1 │ +\d.* │ speak ", answer.out), answer.out
    assert "0.5 of the nodes lost in an hour, 64 cards" in answer.out
    assert "whisper-large-v3-turbo: 0.18" in answer.out
    assert str(folder / "scaling.json") in answer.out
    found = json.loads((folder / "scaling.json").read_text())
    assert found["question"]["cards"] == [32, 64]
    assert found["assumptions"]["teacher"]["streams"] == 256
    days = [plan["days"]["value"] for plan in found["answers"]["by_cards"]]
    assert days == sorted(days, reverse=True)
    assert {one["name"] for one in found["answers"]["by_cards"][0]["stages"]} == {
        "speak", "decode", "measure", "hear", "commit",
    }  # fmt: skip
    for name in PLOTS:
        ET.fromstring((folder / f"{name}.svg").read_text())


def test_its_page_asks_nothing_of_the_network_and_is_written_over(
    answered: tuple[Answer, Path], ask: Ask
) -> None:
    _, folder = answered
    page = (folder / "scaling.html").read_text()
    assert "default-src 'none'" in page and 'src="' not in page and "://" not in page
    assert page.count("<svg") == len(PLOTS)
    assert "10,000 hours of accepted speech" in page
    again = ask("scaling", *SMALL, f"scaling.folder={folder}")
    assert again.code == 0
    assert (folder / "scaling.html").read_text() == page


def test_a_page_of_anothers_is_left_alone(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "scaling.html").write_text("mine")
    answer = ask("scaling", *SMALL, f"scaling.folder={tmp_path}")
    assert answer.code == 2 and "no report of Lauter's" in answer.err
    assert (tmp_path / "scaling.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("scaling.cards=[8]", "8 cards are too few"),
        ("scaling.cards=[]", "scaling.cards and scaling.losses are lists"),
        ("scaling.cards=[many]", "does not fit: Value 'many'"),
        ("scaling.losses=[-1]", "scaling.losses has -1"),
        ("scaling.cards=[64,1000000]", "ask for at most 100000"),
        ("scaling.hours=0", "scaling.hours is 0"),
        ("scaling.hours=inf", "scaling.hours is inf"),
        ("scaling.window_h=0.5", "scaling.window_h is 0.5; set 1 or more"),
        ("scaling.losses=[1000000]", "nothing came out on 64 cards"),
        ("scaling.seeds=0", "scaling.seeds is 0; set 1 or more"),
        ("assumptions.teacher.streams=5000", "8 cards have memory for 1331"),
        ("assumptions.teacher.stream=5", "did you mean assumptions.teacher.streams"),
        ("assumptions.speech.accepted_share=0", "accepted_share is 0; set more than 0"),
        ("assumptions.teacher.invalid_share=1", "nothing would be left"),
        ("assumptions.cluster.cards_per_node=1.5", "is '1.5'; set a whole number"),
        ("assumptions=a100", "there is no assumptions 'a100'"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_one_sentence(
    ask: Ask, tmp_path: Path, setting: str, sentence: str
) -> None:
    answer = ask("scaling", *SMALL, f"scaling.folder={tmp_path / 'scaling'}", setting)
    assert answer.code == 2, answer
    assert sentence in answer.err and answer.err.count("\n") == 1
    assert not (tmp_path / "scaling").exists()
