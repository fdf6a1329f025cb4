"""The report is one file: whole, playable, readable offline and by everyone."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from page_elements import Elements, elements_of

from lauter.datasets.corpus import Corpus
from lauter.filters.policy import parse_policy
from lauter.orchestration.audit.page import gate_in_words, write_page
from lauter.pipelines.cost import Prices

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def page(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of real speech, of which a policy rejected some."""
    file = tmp_path_factory.mktemp("page") / "audit.html"
    write(spoken, file)
    return file


def write(corpus: Path, file: Path) -> None:
    opened = Corpus.open(corpus)
    policy = parse_policy(opened.policy_yaml(opened.policies()[-1]))
    write_page(file, opened, policy, samples=3, prices=Prices())


@pytest.fixture(scope="module")
def elements(page: Path) -> Elements:
    return elements_of(page.read_text(encoding="utf-8"))


def test_nothing_lies_outside_the_file(page: Path, elements: Elements) -> None:
    for tag, attributes in elements:
        for name in ("src", "href", "poster", "data", "srcset", "action"):
            place = attributes.get(name) or "#"
            assert place.startswith(("#", "data:")), (tag, place[:80])
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", page.read_text())
    policies = [a["content"] for t, a in elements if a.get("http-equiv")]
    assert policies and "default-src 'none'" in str(policies[0])


def test_it_can_be_used_from_the_keyboard_and_heard(
    elements: Elements,
) -> None:
    named = {attributes["id"] for _, attributes in elements if "id" in attributes}
    links = {str(a["href"])[1:] for t, a in elements if t == "a"}
    assert links and links <= named
    sounds = [attributes for tag, attributes in elements if tag == "audio"]
    assert len(sounds) == 6  # two rejected and four accepted
    assert all("controls" in sound and sound["aria-label"] for sound in sounds)
    drawings = [attributes for tag, attributes in elements if tag == "svg"]
    assert drawings and all(a.get("role") == "img" and a.get("aria-label") for a in drawings)


def test_it_shows_what_was_rejected_why_and_under_which_policy(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "Rejected: brevity" in text and "only short sentences are wanted" in text
    assert "Accepted: ja-JP" in text and "おはようございます。" in text
    assert "name: picky" in text and "at most 2.5" in text


def test_it_says_what_it_was_made_with(page: Path, spoken: Path) -> None:
    text = page.read_text(encoding="utf-8")
    account = json.loads((spoken / "run.json").read_text())
    assert account["digest"] in text and account["policy"]["digest"] in text
    assert account["teacher"]["fingerprint"] in text
    assert f"pyarrow {account['versions']['pyarrow']}" in text


def test_the_same_corpus_gives_the_same_page(page: Path, spoken: Path, tmp_path: Path) -> None:
    write(spoken, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_a_text_cannot_become_part_of_the_page(own: Path, tmp_path: Path) -> None:
    write(own, tmp_path / "audit.html")
    policy = "name: <script>alert(1)</script>\ngates: []\n"
    opened = Corpus.open(own)
    with opened.writing() as writer:
        writer.put_verdicts("x", parse_policy(policy).digest, policy, opened.verdicts())
    write(own, tmp_path / "audit.html")
    assert "<script>alert" not in (tmp_path / "audit.html").read_text()


def test_a_gate_is_told_in_words() -> None:
    gates = parse_policy(
        "name: p\ngates:\n"
        "  - {gate: a, score: wer, at_most: 0.2, reason: r,\n"
        "     slices: [{style: sung, at_most: 0.5}],\n"
        "     applies_to: {language: en}}\n"
        "  - {gate: b, score: duplicate_of, absent: true, reason: r}\n"
    ).gates
    assert gate_in_words(gates[0]) == "at most 0.2; style sung: at most 0.5; only language en"
    assert gate_in_words(gates[1]) == "where there is none"


@pytest.mark.slow
def test_a_browser_loads_it_from_disk_without_a_complaint_and_decodes_its_sounds(
    page: Path, tmp_path: Path
) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium is installed here")
    probe = (
        "<script>addEventListener('load', async () => {"
        "const all = [...document.querySelectorAll('audio')];"
        "const lengths = await Promise.all(all.map(one => new Promise(done => {"
        "one.onloadedmetadata = () => done(one.duration); one.onerror = () => done(-1);"
        "one.preload = 'metadata'; one.load()})));"
        "document.title = 'lengths ' + lengths.join(' ')})</script></body>"
    )
    probed = tmp_path / "probed.html"
    probed.write_text(page.read_text(encoding="utf-8").replace("</body>", probe), encoding="utf-8")
    told = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=8000",
            "--dump-dom", probed.as_uri(),
        ],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert "CONSOLE" not in told.stderr, told.stderr
    (title,) = re.findall(r"<title>lengths ([^<]*)</title>", told.stdout)
    assert len(title.split()) == 6 and all(float(length) > 0.3 for length in title.split())
