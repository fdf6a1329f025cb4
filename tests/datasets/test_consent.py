"""Who may be heard for what: a law of voices, a ledger, a use and a day."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.consent import (
    Consent,
    Event,
    Leave,
    append,
    read_ledger,
    same_person,
    touched_speakers,
)
from lauter.datasets.errors import UsageError
from lauter.datasets.voices import EVERY_USE, Use, Voice, licence_uses

TODAY = date(2026, 11, 22)
ADA = Voice("ada", "en-GB", "female", "CC-BY-4.0", "Ada Example, 2026", identity="ada")
SAM = Voice("sam", "en-GB", "male", "CC-BY-4.0", "Sam Example, 2026", identity="sam")
BLEND = Voice("both", "en-GB", "unknown", "CC0-1.0", "by us", "both", made_of=("ada", "sam"))
YOUNG_ADA = replace(ADA, speaker="ada_2019", dialect="cmn")


def withdrawn(voice: str, at: str = "2026-05-03T12:00:00+00:00") -> Consent:
    return Consent(at, voice, Event.WITHDRAWN, "Ada Example")


def granted(voice: str, *uses: Use, until: str = "") -> Consent:
    return Consent("2026-06-01T12:00:00+00:00", voice, Event.GRANTED, "Ada Example", uses, until)


def leave(*ledger: Consent, use: Use = Use.RESEARCH, book: tuple[Voice, ...] = ()) -> Leave:
    return Leave(use, TODAY, book, ledger)


@pytest.mark.parametrize(
    ("licence", "uses"),
    [
        ("CC0-1.0", EVERY_USE),
        ("CC-BY-4.0", EVERY_USE),
        ("CC BY-SA 4.0", EVERY_USE),
        ("Apache-2.0", EVERY_USE),
        ("BSD-3-Clause", EVERY_USE),
        ("CC-BY-NC-4.0", (Use.RESEARCH,)),
        ("CC-BY-ND-4.0", (Use.RESEARCH,)),
        ("CC-BY-NC-SA-4.0", (Use.RESEARCH,)),
        ("contract of 3 May", (Use.RESEARCH,)),
        ("Apache-2.0 AND CC-BY-SA-3.0", EVERY_USE),
        ("CC-BY-3.0-US", EVERY_USE),
        ("Apache-2.0 AND LicenseRef-Research-Only", (Use.RESEARCH,)),
        ("CC-BY-4.0, research only", (Use.RESEARCH,)),
        ("MIT-like, ask first", (Use.RESEARCH,)),
    ],
)
def test_where_no_uses_are_listed_the_licence_says_them(
    licence: str, uses: tuple[Use, ...]
) -> None:
    assert licence_uses(licence) == uses
    assert replace(ADA, licence=licence).uses == uses


def test_a_voice_may_be_used_for_what_is_listed_and_nothing_else() -> None:
    told = replace(ADA, allowed_uses=(Use.RESEARCH, Use.INTERNAL))
    assert leave().forbidden([told]) == {}
    assert leave(use=Use.COMMERCIAL).forbidden([told]) == {
        "ada": "the voice 'ada' may not be used for commercial, only for research, internal"
    }
    bound = replace(ADA, licence="CC-BY-NC-4.0")
    assert leave(use=Use.COMMERCIAL).forbidden([bound])["ada"].endswith("research (CC-BY-NC-4.0)")


@pytest.mark.parametrize(("until", "over"), [("2026-11-21", True), ("2026-11-22", False)])
def test_leave_ends_after_its_last_day(until: str, over: bool) -> None:
    expiring = replace(ADA, expires=until)
    assert ("ada" in leave().forbidden([expiring])) is over
    assert ("ada" in leave(granted("ada", until=until)).forbidden([ADA])) is over
    longer = leave(granted("ada", until="2030-01-01"))
    assert longer.forbidden([expiring]) == {}


def test_what_was_said_last_counts() -> None:
    sentence = "the consent for the voice 'ada' was withdrawn by Ada Example on 2026-05-03"
    assert leave(granted("ada"), withdrawn("ada")).forbidden([ADA, SAM]) == {"ada": sentence}
    assert leave(withdrawn("ada"), granted("ada")).forbidden([ADA, SAM]) == {}
    narrowed = leave(granted("ada", Use.RESEARCH), use=Use.COMMERCIAL)
    assert list(narrowed.forbidden([ADA, SAM])) == ["ada"]
    widened = leave(granted("ada", Use.COMMERCIAL), use=Use.COMMERCIAL)
    assert widened.forbidden([replace(ADA, licence="CC-BY-NC-4.0")]) == {}


def test_a_withdrawal_is_of_the_person_under_whatever_name() -> None:
    for name in ("ada", "ada_2019"):
        assert set(leave(withdrawn(name)).forbidden([ADA, YOUNG_ADA, SAM])) == {"ada", "ada_2019"}
    renamed = replace(ADA, speaker="lady")
    assert set(leave(withdrawn("lady"), book=(renamed,)).forbidden([YOUNG_ADA])) == {
        "lady", "ada_2019",
    }  # fmt: skip


def test_a_voice_made_of_others_may_be_used_where_all_of_these_may() -> None:
    forbidden = leave(withdrawn("sam")).forbidden([ADA, SAM, BLEND])
    assert set(forbidden) == {"sam", "both"}
    assert forbidden["both"].startswith("the voice 'both' is made of others, and the consent for")
    again = replace(BLEND, speaker="again", identity="again", made_of=("both",))
    assert set(leave(withdrawn("ada")).forbidden([ADA, BLEND, again])) == {"ada", "both", "again"}
    circle = [replace(ADA, made_of=("sam",)), replace(SAM, made_of=("ada",))]
    assert leave().forbidden(circle) == {}


def test_names_that_only_the_ledger_knows_are_answered_for() -> None:
    assert set(leave(withdrawn("imported")).forbidden([])) == {"imported"}
    assert leave(granted("imported")).forbidden([]) == {}


def test_the_book_counts_more_than_what_a_corpus_remembers() -> None:
    remembered = replace(ADA, allowed_uses=(Use.RESEARCH,))
    now = replace(ADA, allowed_uses=EVERY_USE)
    assert leave(use=Use.COMMERCIAL, book=(now,)).forbidden([remembered]) == {}


def test_a_person_is_known_by_its_names_and_heard_in_what_is_made_of_it() -> None:
    everybody = [ADA, YOUNG_ADA, SAM, BLEND]
    assert same_person("ada_2019", everybody) == {"ada", "ada_2019"}
    assert same_person("nobody", everybody) == {"nobody"}
    assert touched_speakers("ada_2019", everybody) == {"ada", "ada_2019", "both"}
    lent = replace(ADA, speaker="ada_ja-JP", made_of=("ada", "kumo"))
    assert touched_speakers("kumo", [*everybody, lent]) == {"kumo", "ada_ja-JP"}
    nameless = [replace(ADA, identity=""), replace(SAM, identity="")]
    assert same_person("ada", nameless) == {"ada"}


words = st.text(st.characters(categories=["L", "N", "P", "Z"]), min_size=1, max_size=12)
entries = st.builds(
    Consent, words, words, st.sampled_from(Event), words, st.just(()) | st.just((Use.INTERNAL,)),
    st.sampled_from(["", "2027-01-31"]), words,
)  # fmt: skip


@given(st.lists(entries, max_size=5))
def test_what_is_appended_is_read(
    tmp_path_factory: pytest.TempPathFactory, told: list[Consent]
) -> None:
    path = tmp_path_factory.mktemp("book") / "consents.jsonl"
    for number, one in enumerate(told):
        before = path.read_bytes() if number else b""
        append(path, one)
        assert path.read_bytes().startswith(before)
    assert read_ledger(path) == told


@pytest.mark.parametrize(
    "line",
    [
        "{", "[]", '{"voice": "a"}', '{"at": "", "voice": "a", "event": "lost", "by": ""}',
        '{"at": "", "voice": ["a"], "event": "withdrawn", "by": ""}',
        '{"at": "", "voice": "a", "event": "withdrawn", "by": "", "note": 1}',
    ],
)  # fmt: skip
def test_a_damaged_ledger_is_refused_for_it_may_be_a_withdrawal(tmp_path: Path, line: str) -> None:
    path = tmp_path / "consents.jsonl"
    append(path, granted("ada"))
    path.write_text(path.read_text() + line)
    with pytest.raises(UsageError, match=r"line 2 is no entry of a ledger .* may be a withdrawal"):
        read_ledger(path)
    append(path, withdrawn("ada"))
    assert path.read_text().splitlines()[1] == line
