"""`lauter derive` and `lauter lineage` as a user asks for them: real speech, real files."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from asking import TEXTS, Ask, write_lines
from hand_made_chains import Made, corpus_of, felt, later
from page_elements import elements_of

from lauter.datasets.corpus import Corpus
from lauter.datasets.location import location_of
from lauter.datasets.records import Prompt
from lauter.orchestration.command import run
from lauter.orchestration.lineage.figures import Kind, kinds_of, reasons, total_monotone
from lauter.orchestration.lineage.page import write_page
from lauter.pipelines.chains import MOVED, read_chains

POLICY = """
name: lenient
gates:
  - {gate: level, score: energy_db, between: [-60.0, 0.0], reason: silence is no speech}
  - {gate: step, score: step_margin, at_least: -5.0, reason: it moved the other way}
"""
HOSTILE = 'A <b>"door"</b> & <script>alert(1)</script>'


def settings_in(folder: Path) -> list[str]:
    """Two sentences of each language, neutral and joy up to level 2, in seconds."""
    lines = [{"text": text, "language": code} for code, texts in TEXTS.items() for text in texts]
    texts = write_lines(folder / "texts.jsonl", lines)  # type: ignore[arg-type]
    (folder / "lenient.yaml").write_text(POLICY)
    return [
        f"corpus={folder / 'corpus'}", "teacher=fast", "filters=fast", "prompts=file",
        f"prompts.path={texts}", f"policy.path={folder / 'lenient.yaml'}",
        "quotas.dialects=[en-US,ja-JP]", "quotas.chains=true",
        "quotas.manners=[{count: 2, emotion: joy, emotion_level: 2}]", "engine.workers=0",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of chains and its policy; tests only read it."""
    folder = tmp_path_factory.mktemp("chains")
    assert run(["synthesize", *settings_in(folder)]) == 0
    return folder


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy for a test that changes it."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


def deriving(folder: Path, *words: str) -> list[str]:
    return ["derive", f"corpus={folder / 'corpus'}", "filters=fast", "engine.workers=0",
            f"policy.path={folder / 'lenient.yaml'}", *words]  # fmt: skip


def test_a_page_its_figures_and_a_table_tell_of_all_chains(
    ask: Ask, folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "lineage.html"
    answer = ask("lineage", f"corpus={folder / 'corpus'}", f"lineage.page={page}")
    assert answer.code == 0
    assert "4 chains; of those with two accepted links or more, levels rise in" in answer.out
    assert "2/2  2/2" in answer.out and str(page) in answer.out
    figures = json.loads(page.with_suffix(".json").read_text())
    corpus = Corpus.open(folder / "corpus")
    assert figures["chains"] == 4 and figures["digest"] == corpus.digest()
    (kind,) = figures["kinds"]
    assert kind["kind"] == "joy" and set(kind["yields"]) == {"en-US", "ja-JP"}
    assert [step["of"] for step in kind["yields"]["ja-JP"]] == [2, 2]
    assert figures["monotone"]["of"] <= 4
    again = ask("lineage", f"corpus={folder / 'corpus'}", f"lineage.page={page}")
    assert again.code == 0  # its own page may be written anew


def test_the_page_may_lie_in_a_store(ask: Ask, folder: Path, bucket: str) -> None:
    words = [f"corpus={folder / 'corpus'}", f"lineage.page={bucket}/lineage.html"]
    assert ask("lineage", *words).code == 0
    assert ask("lineage", *words).code == 0
    assert json.loads(location_of(f"{bucket}/lineage.json").read_text())["chains"] == 4


def test_edits_are_added_drawn_and_added_once(ask: Ask, own: Path, tmp_path: Path) -> None:
    words = deriving(own, "derive.edits=[noise,denoise,remove emotion]",
                     "derive.where='language = \\'ja\\' AND emotion_level > 0'")  # fmt: skip
    answer = ask(*words)
    assert answer.code == 0, answer.err
    assert "added 12 rows" in answer.out
    again = ask(*words)
    assert again.code == 0 and "added 0 rows" in again.out
    account = json.loads((own / "corpus" / "run.json").read_text())
    assert account["command"] == "derive"
    assert len(account["fingerprints"]["teacher"]) == 1 + 3  # the voice, and three edits
    page = tmp_path / "lineage.html"
    assert ask("lineage", f"corpus={own / 'corpus'}", f"lineage.page={page}").code == 0
    figures = json.loads(page.with_suffix(".json").read_text())
    kinds = {kind["kind"]: kind["chains"] for kind in figures["kinds"]}
    assert kinds == {"joy": 4, "noise, denoise": 4, "remove emotion": 4}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "derive.edits is empty; choose from remove emotion, remove style"),
        (
            ["derive.edits=[echo]"],
            "derive.edits has 'echo', which is no edit; choose from remove emotion",
        ),
        (["derive.edits=noise"], "derive.edits"),
        (["derive.edits=[remove style]"], "can be edited by remove style; ask for other edits"),
        (["derive.edits=[noise]", "derive.where='colour = 1'"], "rows cannot be picked by"),
        (["derive.edits=[noise]", "derive.edit=x"], "derive.edit"),
        (["derive.edits=[noise]", "corpus=nowhere"], "nowhere"),
    ],
)
def test_what_is_wrong_with_a_derivation_is_one_sentence(
    ask: Ask, own: Path, words: list[str], sentence: str
) -> None:
    before = Corpus.open(own / "corpus").versions()
    answer = ask(*deriving(own, *words))
    assert answer.code == 2
    assert sentence in answer.err and answer.err.count("\n") == 1
    assert Corpus.open(own / "corpus").versions() == before


def test_what_is_wrong_with_a_lineage_is_one_sentence_and_costs_nothing(
    ask: Ask, folder: Path, tmp_path: Path
) -> None:
    def refused(*words: str) -> str:
        answer = ask("lineage", f"corpus={folder / 'corpus'}", *words)
        assert answer.code == 2 and answer.err.count("\n") == 1
        return answer.err

    theirs = tmp_path / "theirs.html"
    theirs.write_text("<p>mine</p>")
    assert "no report of Lauter's" in refused(f"lineage.page={theirs}")
    assert theirs.read_text() == "<p>mine</p>"
    figures = tmp_path / "data.json"
    figures.write_text('{"mine": 1}')
    assert "no report of Lauter's" in refused(f"lineage.page={tmp_path / 'data.html'}")
    assert "name an HTML file" in refused(f"lineage.page={tmp_path / 'other.json'}")
    assert "is a folder" in refused(f"lineage.page={tmp_path}")
    assert "version" in refused("lineage.version=never", f"lineage.page={tmp_path / 'a.html'}")
    assert figures.read_text() == '{"mine": 1}'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.json", "theirs.html"]


def test_a_corpus_without_edits_or_verdicts_has_no_lineage(ask: Ask, tmp_path: Path) -> None:
    plain = corpus_of(tmp_path / "plain", [[Made("root")]])
    answer = ask("lineage", f"corpus={plain.path}", f"lineage.page={tmp_path / 'a.html'}")
    assert answer.code == 2 and "is an edit of other speech" in answer.err
    unjudged = corpus_of(tmp_path / "unjudged", [[Made("root"), felt(1)]], judged=False)
    answer = ask("lineage", f"corpus={unjudged.path}", f"lineage.page={tmp_path / 'a.html'}")
    assert answer.code == 2 and "has not been judged" in answer.err
    assert not (tmp_path / "a.html").exists()


def drawn(corpus: Corpus, page: Path, shown: int = 99) -> str:
    chains = read_chains(corpus)
    write_page(page, corpus, chains, kinds_of(chains), shown)
    return page.read_text(encoding="utf-8")


def sounds_of(text: str) -> dict[str, str]:
    (found,) = re.findall(r'id="sounds">(.*?)</script>', text, re.DOTALL)
    sounds: dict[str, str] = json.loads(found)
    return sounds


def test_every_chain_is_there_with_its_sounds_once(folder: Path, tmp_path: Path) -> None:
    corpus = Corpus.open(folder / "corpus")
    text = drawn(corpus, tmp_path / "page.html")
    assert text.count('<article class="chain">') == 4
    sounds = sounds_of(text)
    assert len(sounds) == corpus.count() == 12  # two texts in two languages, at three levels
    for sound in set(sounds.values()):
        assert text.count(sound) == 1
    played = re.findall(r'data-sound="(\w+)"', text)
    assert sorted(played) == sorted(sounds)
    fewer = drawn(corpus, tmp_path / "page.html", shown=1)
    assert fewer.count('<article class="chain">') == 1 and "A fair sample, 1 of 4" in fewer
    none = drawn(corpus, tmp_path / "page.html", shown=0)
    assert not sounds_of(none) and "<article" not in none
    assert drawn(corpus, tmp_path / "page.html") == text  # the same each time


def test_nothing_lies_outside_the_page_and_all_is_told_in_words(
    folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    text = drawn(Corpus.open(folder / "corpus"), page)
    elements = elements_of(text)
    for tag, attributes in elements:
        for name in ("src", "href", "poster", "data", "srcset", "action"):
            place = attributes.get(name) or "#"
            assert place.startswith(("#", "data:")), (tag, place[:80])
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|https?://", text)
    (policy,) = [a["content"] for _, a in elements if a.get("http-equiv")]
    assert "default-src 'none'" in str(policy)
    for tag, attributes in elements:
        if tag == "svg":
            assert attributes["role"] == "img" and attributes["aria-label"]
        if tag == "button":
            assert attributes["aria-label"]
    named = {attributes["id"] for _, attributes in elements if "id" in attributes}
    assert {str(a["href"])[1:] for t, a in elements if t == "a"} <= named


def test_a_text_cannot_become_part_of_the_page(tmp_path: Path) -> None:
    hostile = Made("root", prompt=Prompt(HOSTILE, "en", "en-US", speaker="<i>ada"))
    rows: list[Any] = [hostile, felt(1, accepted=False), later(hostile, "noise")]
    corpus = corpus_of(tmp_path / "<i>corpus", [rows])
    page = tmp_path / "page.html"
    text = drawn(corpus, page)
    assert "<script>alert" not in text and '<b>"' not in text and "<i>" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not sounds_of(text)  # rows without sound are links all the same
    assert [tag for tag, _ in elements_of(text)].count("article") == 2


def test_yields_orders_and_reasons_are_counted_over_utterances(tmp_path: Path) -> None:
    anger = [felt(level, emotion="anger", accepted=level < 3) for level in (1, 2, 3)]
    fallen = [felt(1, 2.0), felt(2, 1.0)]
    branch = later(felt(1), "noise", accepted=False)
    corpus = corpus_of(tmp_path / "corpus", [[Made("root"), *anger, *fallen, branch]])
    chains = read_chains(corpus)
    told: dict[str, Kind] = {kind.name: kind for kind in kinds_of(chains)}
    assert list(told) == ["anger", "joy", "noise"]
    shares = told["anger"].yields["en-US"]
    assert [(share.part, share.whole) for share in shares] == [(1, 1), (1, 1), (0, 1)]
    rising = {name: kind.monotone[MOVED] for name, kind in told.items() if kind.monotone}
    assert {name: (share.part, share.whole) for name, share in rising.items()} == {
        "anger": (1, 1), "joy": (0, 1)
    }  # fmt: skip
    assert "step_energy_db" in told["anger"].monotone
    assert "step_rate_octaves" not in told["joy"].monotone  # too little to tell
    total = total_monotone(chains)
    assert (total.part, total.whole) == (1, 2)
    assert reasons(chains) == [("words", 2)]
    json.dumps([kind.as_dict() for kind in told.values()])
