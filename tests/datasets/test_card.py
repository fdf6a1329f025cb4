"""The data card says whose speech it is, what was refused, and how to load it; its code works."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from judged_corpus import SOMEONE, judged_corpus

from lauter.datasets.exported import CARD
from lauter.datasets.lance_export import export_lance
from lauter.datasets.shards import export_webdataset
from lauter.teacher.fast import MEI


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("card")
    corpus = judged_corpus(folder / "corpus")
    export_webdataset(corpus, folder / "shards", splits={"train": 0.7, "valid": 0.3})
    export_lance(corpus, folder / "rows")
    return folder


@pytest.fixture(scope="module")
def card(folder: Path) -> str:
    return (folder / "shards" / CARD).read_text()


def section(card: str, title: str) -> str:
    return card.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0].strip()


def rows(text: str) -> list[list[str]]:
    return [
        re.split(r"\s*(?<!\\)\|\s*", line)[1:-1] for line in text.splitlines() if line[:1] == "|"
    ]


def test_both_kinds_of_export_tell_the_same_but_for_how_to_load_them(
    folder: Path, card: str
) -> None:
    other = (folder / "rows" / CARD).read_text()
    titles = re.findall(r"^## (.*)", card, re.MULTILINE)
    assert (
        titles
        == re.findall(r"^## (.*)", other, re.MULTILINE)
        == [
            "Intended use and limits",
            "Contents by cell",
            "Voices, their licences and consents",
            "Texts and their licences",
            "Attribution",
            "What was refused, and why",
            "Made and measured with",
            "How to load it",
        ]
    )
    assert all(section(card, title) == section(other, title) for title in titles[:-1])


def test_it_begins_with_what_it_holds(card: str) -> None:
    assert "36 utterances, 0.0 minutes, 0.0 MB of FLAC; splits: train 25, valid 11. " in card
    assert "**All of it is synthetic speech.** Say so wherever it is heard." in card


def test_it_says_what_the_data_are_not_for_and_cannot_tell(card: str) -> None:
    told = section(card, "Intended use and limits")
    assert "not for imitating anybody beyond what the consents below allow" in told
    assert "1 voice in 3 languages (en, ja, zh)" in told
    assert "They measured: asr." in told


def test_it_counts_by_cell(card: str) -> None:
    assert rows(section(card, "Contents by cell")) == [
        ["dialect", "emotion", "style", "asked", "spoken", "accepted", "accepted minutes"],
        ["---"] * 7,
        ["cmn", "joy", "plain", "20", "18", "12", "0.01"],
        ["en-US", "joy", "plain", "20", "18", "12", "0.01"],
        ["ja-JP", "joy", "plain", "20", "18", "12", "0.01"],
        ["all", "", "", "60", "54", "36", "0.02"],
    ]


def test_it_names_voices_texts_and_their_licences(card: str) -> None:
    voices = rows(section(card, "Voices, their licences and consents"))
    assert voices[2:] == [
        ["someone", "en-US", "female", "CC0-1.0", "by herself, for anything", "36"]
    ]
    assert rows(section(card, "Texts and their licences"))[2:] == [["tests", "Apache-2.0", "36"]]
    assert "All licences together: Apache-2.0, CC0-1.0." in card
    assert section(card, "Attribution") == "No licence above is one that asks for a name."


def test_it_tells_every_reason_of_refusal_and_every_failure(card: str) -> None:
    told = section(card, "What was refused, and why")
    assert rows(told)[2:] == [["cer", "it says something else", "18"]]
    assert "Never became speech: failed 6." in told


def test_it_tells_what_it_was_made_and_measured_with(card: str) -> None:
    told = section(card, "Made and measured with")
    assert rows(told)[2:] == [["teacher", "`noise-1`"], ["asr", "`ears-1`"]]
    assert "```yaml\ngates: []\n```" in told


def test_a_voice_that_asks_for_it_is_named_with_its_makers(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "corpus", 20, voice=replace(MEI, dialect="cmn"))
    export_webdataset(corpus, tmp_path / "e")
    card = (tmp_path / "e" / CARD).read_text()
    owed = section(card, "Attribution").splitlines()
    assert owed[2:] == [f"- voice mei: {MEI.consent} (CC-BY-3.0)"]
    assert "Nagoya Institute of Technology" in owed[2]
    assert "All licences together: Apache-2.0, CC-BY-3.0." in card


def test_voices_are_counted_in_what_is_exported_and_not_in_what_was_accepted(
    tmp_path: Path,
) -> None:
    corpus = judged_corpus(tmp_path / "corpus", 3)  # all of which were rejected
    export_webdataset(corpus, tmp_path / "e", accepted=False)
    card = (tmp_path / "e" / CARD).read_text()
    assert rows(section(card, "Voices, their licences and consents"))[2][-1] == "3"


def test_bars_and_line_ends_in_names_break_no_table(tmp_path: Path) -> None:
    strange = replace(SOMEONE, speaker="a|b", consent="said\nso")
    export_lance(judged_corpus(tmp_path / "corpus", 20, voice=strange), tmp_path / "e")
    told = section((tmp_path / "e" / CARD).read_text(), "Voices, their licences and consents")
    assert rows(told)[2][0] == "a\\|b" and rows(told)[2][4] == "said so"


@pytest.mark.parametrize(("kind", "examples"), [("shards", 4), ("rows", 2)])
def test_its_examples_run_as_they_stand(
    kind: str, examples: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    code = re.findall(r"```python\n(.*?)```", (folder / kind / CARD).read_text(), re.DOTALL)
    assert len(code) == examples
    for example in code:
        told: list[object] = []
        exec(example, {"print": lambda *values, told=told: told.append(values)})
        assert told
