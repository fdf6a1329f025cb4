"""The speaker book on the command line: voices are added and looked through; bad ones refused."""

import json
from pathlib import Path

import pytest
from asking import Ask
from recordings import bad_recordings, sentences, written

LEAVE = ["voices.licence=CC-BY-4.0", "voices.consent=Ada Example, 3 May 2026, for anything"]


def entry(speaker: str, audio: str, **more: object) -> str:
    told = {
        "speaker": speaker, "dialect": "en-US", "licence": "CC0-1.0", "consent": "herself",
        "text": f"words of {speaker}", "audio": audio,
    }  # fmt: skip
    return json.dumps(told | more, ensure_ascii=False) + "\n"


@pytest.mark.slow
def test_a_recording_becomes_a_voice_of_the_book(ask: Ask, tmp_path: Path) -> None:
    samples, text = sentences("en", 4)
    book = f"voices.book={tmp_path / 'book' / 'voices.jsonl'}"
    added = ask(
        "voices", "add", book, f"voices.recording={written(tmp_path / 'ada.wav', samples)}",
        "voices.speaker=ada", "voices.dialect=en-US", f"voices.text={text}",
        "voices.allowed_uses=[research]", "voices.expires=2090-01-31", *LEAVE,
    )  # fmt: skip
    assert added.code == 0 and "wrote the voice 'ada'" in added.out
    (line,) = (tmp_path / "book" / "voices.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert told["text"] in text and (tmp_path / "book" / told["audio"]).is_file()
    assert (told["allowed_uses"], told["expires"]) == (["research"], "2090-01-31")
    checked = ask("voices", "check", book, f"corpus={tmp_path / 'none'}")
    assert checked.code == 0 and "ada (en-US): 1 recording; may be used for research" in checked.out
    again = ask("voices", "check", book, f"corpus={tmp_path / 'none'}", "use=commercial")
    assert "'ada' may not be used for commercial, only for research" in again.out


def test_bad_recordings_and_a_voice_without_licence_are_refused_and_nothing_is_written(
    ask: Ask, tmp_path: Path
) -> None:
    for name, recording in bad_recordings(tmp_path).items():
        answer = ask(
            "voices", "add", f"voices.book={tmp_path / 'book' / 'voices.jsonl'}",
            f"voices.recording={recording}", "voices.speaker=ada", "voices.dialect=en-US", *LEAVE,
        )  # fmt: skip
        assert answer.code == 2 and str(recording) in answer.err, name
    for missing in ("licence", "consent"):
        leave = [word for word in LEAVE if missing not in word]
        answer = ask(
            "voices", "add", f"voices.book={tmp_path / 'book' / 'voices.jsonl'}",
            f"voices.recording={recording}", "voices.speaker=ada", "voices.dialect=en-US", *leave,
        )  # fmt: skip
        assert answer.code == 2
        assert f"the voice has no {missing}; set voices.{missing}" in answer.err
    assert not (tmp_path / "book").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["voices.allowed_uses=[fun]"], "'fun', which is no use"),
        (["voices.expires=soon"], "is 'soon', which is no date"),
        (["voices.gender=f"], "'f', which is no gender here"),
        (["voices.dialects=[klingon]"], "'klingon', which is no dialect"),
        (["voices.speaker=../ada"], "cannot name a file"),
        (
            ["voices.expires=2020-01-31"],
            "the leave for the voice 'ada' would end on 2020-01-31, which is past; set voices.exp",
        ),
        (
            ["voices.speaker=mei"],
            "'mei' is told otherwise in the book already (licence, consent); correct one",
        ),
    ],
)
def test_what_an_entry_cannot_say_is_told_before_anybody_listens(
    ask: Ask, tmp_path: Path, words: list[str], complaint: str
) -> None:
    """The recording is not even there."""
    book = tmp_path / "voices.jsonl"
    written(tmp_path / "mei.wav", sentences("ja", 1)[0])
    book.write_text(entry("mei", "mei.wav"))
    before = book.read_text()
    answer = ask(
        "voices", "add", f"voices.book={book}", f"voices.recording={tmp_path / 'none.wav'}",
        "voices.speaker=ada", "voices.dialect=en-US", *LEAVE, *words,
    )  # fmt: skip
    assert answer.code == 2 and complaint in answer.err
    assert book.read_text() == before


def test_a_book_that_is_no_text_is_refused_and_stays(ask: Ask, tmp_path: Path) -> None:
    book = tmp_path / "voices.jsonl"
    book.write_bytes(entry("mei", "mei.wav").replace("words", "wörds").encode("latin-1"))
    before = book.read_bytes()
    answer = ask(
        "voices", "add", f"voices.book={book}", f"voices.recording={tmp_path / 'none.wav'}",
        "voices.speaker=ada", "voices.dialect=en-US", *LEAVE,
    )  # fmt: skip
    assert answer.code == 2 and "is no text in UTF-8" in answer.err
    assert book.read_bytes() == before


def test_a_check_names_near_doubles_and_every_fault(ask: Ask, tmp_path: Path) -> None:
    heard = {"ada": ("en", 0), "lady": ("en", 4), "mei": ("ja", 0), "same": ("en", 7)}
    lines = []
    for speaker, (language, first) in heard.items():
        written(tmp_path / f"{speaker}.wav", sentences(language, 3, first)[0])
        identity = {"identity": "ada"} if speaker == "same" else {}
        lines.append(entry(speaker, f"{speaker}.wav", **identity))
    path = tmp_path / "voices.jsonl"
    path.write_text("".join(lines))
    words = ["voices", "check", f"voices.book={path}", f"corpus={tmp_path / 'none'}"]
    checked = ask(*words)
    assert checked.code == 0, checked.err
    assert "ada and lady may be one person" in checked.out
    assert "mei and" not in checked.out and "ada and same" not in checked.out
    bad = bad_recordings(tmp_path)["clipped"]
    path.write_text("".join([*lines, entry("loud", bad.name)]))
    refused = ask(*words)
    assert refused.code == 2 and "clipped.wav is clipped" in refused.err
    assert "lady" in refused.out
