"""Consent on the command line: granted, withdrawn, traced; a withdrawn voice is in no release."""

import json
import shutil
from pathlib import Path

import pytest
from asking import Ask, settings_in, write_lines
from spoken_sentences import ENGLISH, JAPANESE

from lauter.datasets import corpus_erasure, weights
from lauter.datasets.audio import Clip
from lauter.datasets.consent import Event, read_ledger
from lauter.datasets.corpus import Corpus
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.marked_rows import Marker
from lauter.filters.near_voices import BOUNDS
from lauter.filters.speaker import SAMPLE_RATE, Embedding, SpeakerEncoder
from lauter.orchestration.command import run

HEART = {
    "speaker": "heart", "dialect": "en-US", "licence": "Apache-2.0", "identity": "af_heart",
    "consent": "the author of hibari-tts", "made_of": ["nobody"],
}  # fmt: skip
BY = "consent.by=A. Author"
BOUND = BOUNDS[-1][1]
SENTENCES = {"en": ENGLISH[6:11], "ja": JAPANESE[3:8]}
"""Long enough to know a voice by."""


@pytest.fixture(scope="module")
def two_voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of five sentences in each of the two voices; tests copy it."""
    folder = tmp_path_factory.mktemp("two")
    lines = [
        {"text": text, "language": code} for code, texts in SENTENCES.items() for text in texts
    ]
    write_lines(folder / "texts.jsonl", lines)
    (folder / "all.yaml").write_text("name: all\ngates: []\n")
    assert run([
        "synthesize", f"corpus={folder / 'corpus'}", "teacher=fast", "filters=fast",
        "prompts=file", f"prompts.path={folder / 'texts.jsonl'}", "engine.workers=0",
        f"policy.path={folder / 'all.yaml'}", "quotas.dialects=[en-US,ja-JP]",
        "quotas.manners=[{count: 5}]",
    ]) == 0  # fmt: skip
    return folder


@pytest.fixture
def own(two_voices: Path, tmp_path: Path) -> Path:
    """A copy of that corpus for a test that changes it, and of its policy."""
    shutil.copy(two_voices / "all.yaml", tmp_path / "all.yaml")
    return Path(shutil.copytree(two_voices / "corpus", tmp_path / "own"))


@pytest.fixture
def book(tmp_path: Path) -> str:
    """A book that lists the fast teacher's English voice."""
    path = tmp_path / "voices.jsonl"
    path.write_text(json.dumps(HEART) + "\n")
    return f"voices.book={path}"


def nearest(embedding: Embedding, heard: list[Embedding]) -> float:
    return max(float(embedding @ other) for other in heard)


def test_a_corpus_remembers_its_book_for_commands_that_name_none(
    ask: Ask, own: Path, tmp_path: Path, book: str
) -> None:
    withdrawn = ask(
        "consent", "withdraw", "heart", book, f"consent.within={tmp_path}",
        f"consent.out={tmp_path / 'trace.json'}", BY,
    )  # fmt: skip
    assert withdrawn.code == 0
    words = (f"corpus={own}", f"policy.path={tmp_path / 'all.yaml'}")
    assert ask("judge", *words).code == 0
    rejected = Corpus.open(own).scan_judged(["speaker"], accepted=False)
    assert {row["speaker"] for batch in rejected for row in batch.to_pylist()} == {"heart"}
    derived = ask("derive", *words, "derive.edits=[silence]", "filters=fast")
    assert derived.code == 0 and "added 5 rows" in derived.out
    (tmp_path / "voices.jsonl").rename(tmp_path / "elsewhere.jsonl")
    refused = ask("export", *words, f"export.folder={tmp_path / 'out'}")
    assert refused.code == 2 and "set voices.book to where it is now" in refused.err


def test_derive_asks_for_the_policy_that_the_corpus_was_judged_under(ask: Ask, own: Path) -> None:
    refused = ask("derive", f"corpus={own}", "derive.edits=[silence]", "filters=fast")
    assert refused.code == 2
    assert "was judged under the policy 'all' and would be edited and judged under" in refused.err


@pytest.mark.parametrize("kind", ["webdataset", "lance"])
def test_a_withdrawn_voice_is_in_no_release(
    ask: Ask, own: Path, tmp_path: Path, book: str, kind: str
) -> None:
    encoder = SpeakerEncoder(weights.find("speaker-encoder"))
    (reference,) = (
        row["reference_audio"]
        for row in Corpus.open(own).voices().to_pylist()
        if row["speaker"] == "heart"
    )
    (heart,) = encoder.embed([Clip(reference).at(SAMPLE_RATE)])

    def exported(name: str, *more: str) -> list[Embedding]:
        words = (f"corpus={own}", f"export.folder={tmp_path / name}", f"export.format={kind}")
        assert ask("export", *words, book, *more).code == 0
        samples = [sample for batch, _ in SpeechLoader(tmp_path / name) for sample in batch]
        return encoder.embed([sample.clip.at(SAMPLE_RATE) for sample in samples])

    Corpus.open(own).tag("before")
    assert nearest(heart, exported("before", "export.test=0.5")) > BOUND
    withdrawn = ask(
        "consent", "withdraw", "heart", book, f"consent.within={tmp_path}",
        f"consent.out={tmp_path / 'trace.json'}", BY,
    )  # fmt: skip
    assert withdrawn.code == 0
    for told in ("release before", f"export {tmp_path / 'before'}", f"corpus {own}"):
        assert told in withdrawn.out
    # Nobody has judged again: the export looks at the ledger itself, of an old release too.
    for name, more in (("after", ()), ("of-the-tag", ("export.version=before",))):
        left = exported(name, *more)
        assert left and nearest(heart, left) < BOUND
    card = (tmp_path / "after" / "README.md").read_text()
    assert "the consent for the voice 'heart' was withdrawn by A. Author" in card
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert len(trace["corpora"][0]["utterances"]) == 5
    # Nor is its speech of earlier releases changed, or measured against.
    (row,) = trace["corpora"][0]["utterances"][:1]
    for words in (
        ("edit", f"corpus={own}", f"editing.request={row}"),
        ("evaluate", f"corpus={own}", f"evaluate.data={tmp_path / 'before'}"),
        ("evaluate", "evaluate.task=edit", f"evaluate.data={tmp_path / 'before'}"),
    ):
        refused = ask(*words, book, "student=nowhere")
        assert (
            refused.code == 2 and "the consent for the voice 'heart' was withdrawn" in refused.err
        )
    # Judging makes it a verdict; without a book nobody looks, and the verdict holds.
    judged = ask("judge", f"corpus={own}", f"policy.path={tmp_path / 'all.yaml'}", book)
    assert judged.code == 0 and "consent" in judged.out
    rejected = Corpus.open(own).scan_judged(["speaker"], accepted=False)
    assert {row["speaker"] for batch in rejected for row in batch.to_pylist()} == {"heart"}
    again = ask("consent", "grant", "heart", book, BY)
    assert again.code == 0
    assert "'heart' may be used for research, internal, commercial\n" in again.out


def test_what_may_not_be_used_is_refused_at_planning(ask: Ask, tmp_path: Path, book: str) -> None:
    words = [*settings_in(tmp_path), book]
    assert ask("plan", *words).code == 0
    assert ask(
        "consent", "withdraw", "heart", book, f"consent.within={tmp_path}",
        f"consent.out={tmp_path / 'trace.json'}", BY,
    ).code == 0  # fmt: skip
    refused = ask("plan", *words)
    assert refused.code == 2
    assert "the consent for the voice 'heart' was withdrawn" in refused.err
    assert not (tmp_path / "corpus").exists()
    others = ask("plan", *words, "on_refusal=skip")
    assert others.code == 0 and "3 requests planned, 3 prompts refused" in others.out


def test_a_use_that_a_licence_forbids_is_refused_without_any_book(ask: Ask, tmp_path: Path) -> None:
    """The studio's and the fast teacher's licences allow every use."""
    assert ask("plan", *settings_in(tmp_path), "use=commercial").code == 0
    assert "choose research or internal or commercial" in ask("plan", "use=fun").err
    bound = HEART | {"licence": "CC-BY-NC-4.0", "made_of": ["mei"]}
    (tmp_path / "voices.jsonl").write_text(json.dumps(bound) + "\n")
    words = [*settings_in(tmp_path), f"voices.book={tmp_path / 'voices.jsonl'}"]
    assert ask("plan", *words).code == 0
    answer = ask("plan", *words, "use=commercial")
    assert answer.code == 2
    assert "'heart' may not be used for commercial, only for research (CC-BY-NC-4.0)" in answer.err


def test_erasing_takes_the_sound_and_leaves_the_account(
    ask: Ask, own: Path, tmp_path: Path, book: str
) -> None:
    spoken = Corpus.open(own)
    row = next(spoken.scan(where="speaker = 'heart'")).to_pylist()[0]
    (tmp_path / "clip.flac").write_bytes(Marker.of(spoken).marked(row))
    answer = ask(
        "consent", "withdraw", "heart", book, f"consent.within={tmp_path}", "consent.erase=true",
        f"consent.out={tmp_path / 'trace.json'}", BY,
    )  # fmt: skip
    assert answer.code == 0 and "erased 5 utterances" in answer.out
    traced = ask("trace", str(tmp_path / "clip.flac"), f"trace.within={tmp_path}")
    assert traced.code == 0 and row["request_id"] in traced.out and "without sound" in traced.out
    corpus = Corpus.open(own)
    assert corpus.count() == 10 and corpus.count("error_kind = 'withdrawn'") == 5
    judged = ask("judge", f"corpus={own}", f"policy.path={tmp_path / 'all.yaml'}", book)
    assert judged.code == 0 and "its sound was erased" in judged.out


def test_an_erasure_that_was_cut_off_is_finished_when_asked_again(
    ask: Ask, own: Path, tmp_path: Path, book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (
        "consent", "withdraw", "heart", book, f"consent.within={tmp_path}", "consent.erase=true",
        f"consent.out={tmp_path / 'trace.json'}", BY,
    )  # fmt: skip
    files = {file.name for file in (own / "utterances.lance" / "data").iterdir()}

    def killed(*of: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(corpus_erasure, "_forget", killed)
        ask(*words)
    assert Corpus.open(own).count("error_kind = 'withdrawn'") == 5
    assert files <= {file.name for file in (own / "utterances.lance" / "data").iterdir()}
    again = ask(*words)
    assert again.code == 0 and "5 of them erased" in again.out
    assert not files & {file.name for file in (own / "utterances.lance" / "data").iterdir()}


def test_a_foreign_file_keeps_no_withdrawal_from_the_ledger(
    ask: Ask, tmp_path: Path, book: str
) -> None:
    (tmp_path / "student.json").write_text('{"speakers": 5}')
    answer = ask(
        "consent", "withdraw", "heart", book, f"consent.within={tmp_path}",
        f"consent.out={tmp_path / 'trace.json'}", BY,
    )  # fmt: skip
    assert answer.code == 0 and f"not looked into: {tmp_path / 'student.json'}" in answer.out
    (said,) = read_ledger(tmp_path / "consents.jsonl")
    assert (said.voice, said.event) == ("heart", Event.WITHDRAWN)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["consent", "withdraw", "heart"], "no book of voices is named; set voices.book"),
        (["consent", "withdraw", "heart", "BOOK", "consent.uses=[research]"], "is of everything"),
        (["consent", "withdraw", "heart", "BOOK"], "set consent.by to a name"),
        (["consent", "grant", "heart", "BOOK", "consent.by=' '"], "set consent.by to a name"),
        (["consent", "withdraw", "haert", "BOOK", BY], "is called 'haert'; did you mean heart?"),
        (["consent", "grant", "haert", "BOOK"], "has a voice 'haert'; did you mean heart?"),
        (["consent", "grant", "heart", "BOOK", "consent.uses=[fun]"], "'fun', which is no use"),
        (
            ["consent", "grant", "heart", "BOOK", "consent.until=soon"],
            "is 'soon', which is no date",
        ),
        (
            ["consent", "grant", "heart", "BOOK", BY, "consent.until=2001-01-01"],
            "would end on 2001-01-01, which is past",
        ),
        (["consent", "grant", "heart", "BOOK", "consent.erase=true"], "belongs to `lauter consent"),
        (["consent", "trace"], "no voice is named; write `lauter consent trace NAME`"),
        (["consent", "trace", "heart"], "is called 'heart'; there is none to choose from"),
        (["consent", "trace", "heart", "consent.within=away"], "away is no folder"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    ask: Ask, tmp_path: Path, book: str, words: list[str], complaint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    answer = ask(*[book if word == "BOOK" else word for word in words])
    assert (answer.code, len(answer.err.strip().splitlines())) == (2, 1)
    assert complaint in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["voices.jsonl"]


def test_a_grant_says_what_was_granted_and_until_when(ask: Ask, tmp_path: Path, book: str) -> None:
    some = ask("consent", "grant", "heart", book, BY, "consent.uses=[research]")
    assert some.code == 0 and "'heart' may be used for research\n" in some.out
    # What the book says of the last day holds where the grant says nothing of it.
    (tmp_path / "voices.jsonl").write_text(json.dumps(HEART | {"expires": "2001-01-01"}) + "\n")
    assert "would end on 2001-01-01" in ask("consent", "grant", "heart", book, BY).err
    longer = ask("consent", "grant", "heart", book, BY, "consent.until=2090-01-31")
    assert longer.code == 0 and "commercial, until 2090-01-31\n" in longer.out


def test_a_ledger_that_cannot_be_read_stops_everything(ask: Ask, tmp_path: Path, book: str) -> None:
    (tmp_path / "consents.jsonl").write_text("{\n")
    answer = ask("plan", *settings_in(tmp_path), book)
    assert answer.code == 2 and "may be a withdrawal" in answer.err
