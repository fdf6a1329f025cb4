"""Files of templates: what is read, what is refused, and that fillings are never read again."""

from pathlib import Path

import golden_prompts
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.templates import (
    PLACES,
    Wording,
    parse_wordings,
    read_wordings,
)

OURS = Path(__file__).parents[3] / "teacher" / "step_audio" / "wordings"


def one(text: str, layout: str = "tts_3b", name: str = "system") -> Wording:
    return parse_wordings(layout, {name: text}, "here")[name]


@pytest.mark.parametrize("layout", PLACES)
def test_our_templates_have_every_wording(layout: str) -> None:
    assert set(read_wordings(layout).texts) == set(PLACES[layout])


def test_there_is_a_file_for_each_layout_and_no_other() -> None:
    assert {path.stem for path in OURS.glob("*.yaml")} == set(PLACES)


def test_an_operators_file_replaces_ours_key_by_key(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("system: Read as {speaker}.\n", encoding="utf-8")
    ours, theirs = read_wordings("tts_3b"), read_wordings("tts_3b", own)
    assert theirs["system"].text(speaker="Ada") == "Read as Ada."
    assert theirs["rap"] == ours["rap"]
    assert theirs.texts["system"] == "Read as {speaker}."


@given(st.text())
def test_what_is_filled_in_is_not_read_for_places(filling: str) -> None:
    assert one("a{speaker}b").text(speaker=filling) == f"a{filling}b"
    assert one("{speaker}{speaker}").text(speaker=filling) == filling * 2


def test_doubled_braces_are_braces() -> None:
    assert one("{{speaker}} is {speaker}").text(speaker="Ada") == "{speaker} is Ada"


def test_text_that_meets_is_one_and_speech_stands_apart() -> None:
    codes = np.asarray([1, 2, 1027, 1028, 1029], np.int32)
    wording = one("a {speaker} {reference_text}: {reference_codes}.", "editx_clone")
    parts = wording.filled(speaker="b", reference_text="c", reference_codes=codes)
    assert [part if isinstance(part, str) else "codes" for part in parts] == [
        "a b c: ",
        "codes",
        ".",
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("system: Read as {speeker}.", r"'system' has no place {speeker}; did you mean speaker\?"),
        ("system: '{text}'", "'system' has no place {text}; choose from speaker"),
        ("system: '{}'", "'system' has no place {}"),
        ("system: '{speaker.name}'", r"no place {speaker\.name}; did you mean speaker"),
        ("system: '{speaker!r}'", "more than a name in {speaker}"),
        ("system: '{speaker:>9}'", "more than a name in {speaker}"),
        ("system: 'a { b'", "a brace too many or too few"),
        ("systen: Read.", r"the layout tts_3b has no text 'systen'; did you mean system\?"),
        ("system: 7", "'system' is no text; put it in quotation marks"),
        ("system:", "'system' is no text"),
        ("1: Read.", "has no text '1'"),
        ("- system", "should map names to texts"),
        ("system: 'a", "is no YAML in UTF-8"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=f"{own}.*{complaint}"):
        read_wordings("tts_3b", own)


@pytest.mark.parametrize(
    ("layout", "name", "text", "place"),
    [
        ("editx_clone", "system", "{speaker}: {reference_text}", "reference_codes"),
        ("editx_edit", "human", "{instruction}", "codes"),
        ("editx_edit", "emotion", "Happier: {text}", "value"),
        ("aqaa", "human", "Say it {emotion}.", "text"),
        ("continuation", "human", "{text}", "reference_text"),
    ],
)
def test_a_wording_without_what_it_is_about_is_refused(
    layout: str, name: str, text: str, place: str
) -> None:
    with pytest.raises(UsageError, match=f"'{name}' does not say where {{{place}}} stands"):
        one(text, layout, name)


def test_a_missing_file_and_an_unknown_layout_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"away\.yaml cannot be read"):
        read_wordings("tts_3b", tmp_path / "away.yaml")
    with pytest.raises(UsageError, match=r"no layout 'tts3b'; did you mean tts_3b\?"):
        read_wordings("tts3b")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_bytes(b"system: \xff")
    with pytest.raises(UsageError, match="no YAML in UTF-8"):
        read_wordings("tts_3b", own)


def test_the_wordings_of_the_tests_have_every_place() -> None:
    for layout in PLACES:
        assert set(golden_prompts.wordings(layout).wordings) == set(PLACES[layout])
