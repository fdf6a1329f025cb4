"""The speaker book: what is read, and every fault with its line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.codes import codes_as_text
from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Dialect
from lauter.datasets.voice_book import KnownVoice, read_book
from lauter.datasets.voices import Use

CODES = [1, 2, 1027, 1028, 1029]
ADA: dict[str, Any] = {
    "speaker": "ada",
    "dialect": "en-GB",
    "gender": "female",
    "licence": "CC-BY-4.0",
    "consent": "Ada Example, 3 May 2026, for synthetic corpora",
    "text": "The train was late again.",
    "codes": CODES,
}


def written(tmp_path: Path, *entries: Mapping[str, Any] | str) -> Path:
    path = tmp_path / "voices.jsonl"
    lines = [one if isinstance(one, str) else json.dumps(one) for one in entries]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in ADA.items() if name != key}


def same(one: KnownVoice, other: KnownVoice) -> bool:
    def heard(known: KnownVoice) -> list[object]:
        return [(told.style, told.content) for told in known.recordings]

    return (one.voice, heard(one)) == (other.voice, heard(other))


def test_a_voice_is_read_with_its_reference(tmp_path: Path) -> None:
    known = read_book(written(tmp_path, ADA))["ada"]
    assert (known.voice.speaker, known.voice.dialect, known.voice.gender) == (
        "ada",
        "en-GB",
        "female",
    )
    assert (known.voice.licence, known.voice.consent) == (ADA["licence"], ADA["consent"])
    assert known.voice.identity == "ada"
    recording = known.recording("plain")
    assert recording.text == "The train was late again."
    assert recording.codes is not None and recording.codes.tolist() == CODES
    assert recording.audio is None


def test_codes_may_be_numbers_or_text_and_the_file_of_two_kinds(tmp_path: Path) -> None:
    rap = ADA | {"style": "rap", "text": "On the train.", "codes": CODES * 2}
    lines = written(tmp_path, ADA, rap)
    in_text = tmp_path / "voices.yaml"
    entries = [one | {"codes": codes_as_text(one["codes"])} for one in (ADA, rap)]
    in_text.write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    assert same(read_book(lines)["ada"], read_book(in_text)["ada"])


names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@given(
    st.dictionaries(
        names,
        st.tuples(
            st.sampled_from(Dialect), names, st.integers(1, 4), st.sampled_from(["rap", "sung"])
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_down_is_read(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, tuple[Dialect, str, int, str]]
) -> None:
    entries = []
    for speaker, (dialect, text, groups, style) in told.items():
        plain = ADA | {"speaker": speaker, "dialect": dialect.value, "text": text}
        entries += [plain | {"codes": CODES * groups}, plain | {"style": style}]
    known = read_book(written(tmp_path_factory.mktemp("voices"), *entries))
    assert list(known) == list(told)
    for speaker, (dialect, text, groups, style) in told.items():
        assert known[speaker].voice.dialect == dialect
        plain = known[speaker].recording("plain")
        assert plain.codes is not None and plain.codes.tolist() == CODES * groups
        assert known[speaker].recording(style).text == text


def test_the_audio_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "ada.flac").write_bytes(b"fLaC")
    known = read_book(written(tmp_path, ADA | {"audio": "ada.flac"}))["ada"]
    assert known.recording("plain").audio == tmp_path / "ada.flac"


def test_another_recording_is_another_digest(tmp_path: Path) -> None:
    audio = tmp_path / "ada.flac"
    digests = []
    for entry, sound in (
        (ADA, b"one"),
        (ADA | {"text": "The train was early."}, b"one"),
        (ADA | {"codes": [*CODES, *CODES]}, b"one"),
        (ADA | {"audio": "ada.flac"}, b"one"),
        (ADA | {"audio": "ada.flac"}, b"two"),
    ):
        audio.write_bytes(sound)
        digests.append(read_book(written(tmp_path, entry))["ada"].voice.reference_digest)
    assert len(set(digests)) == 5
    assert all(len(digest) == 32 for digest in digests)


def test_a_style_without_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'ada' has no recording in the style 'rap'; add one"):
        read_book(written(tmp_path, ADA))["ada"].recording("rap")


@pytest.mark.parametrize("key", ["licence", "consent"])
@pytest.mark.parametrize("value", ["", " ", "none", "NOASSERTION", "unknown", "n/a", None, True])
def test_nobodys_voice_is_used_without_leave(tmp_path: Path, key: str, value: object) -> None:
    complaint = f"line 1: the voice 'ada' has no {key}, and nobody's voice is used without"
    for entry in (ADA | {key: value}, without(key)):
        with pytest.raises(UsageError, match=complaint):
            read_book(written(tmp_path, entry))


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (without("speaker"), "the voice has no speaker"),
        (without("text"), "the voice 'ada' has no text"),
        (without("codes"), "the voice 'ada' has no recording; give the sound as audio, or codes"),
        (ADA | {"codes": {}}, "the voice 'ada' has no codes; give them as numbers"),
        (ADA | {"codes": []}, "has no codes; encode its recording"),
        (ADA | {"codes": ""}, "has no codes; encode its recording"),
        (ADA | {"codes": CODES[1:]}, "the codes of the voice 'ada' are not valid: at position"),
        (ADA | {"codes": [1, 2, 3.5]}, "has no codes; give them as numbers"),
        (ADA | {"codes": [True, False]}, "has no codes; give them as numbers"),
        (ADA | {"codes": [[1], [2, 3]]}, "has no codes; give them as numbers"),
        (ADA | {"codes": [10**30]}, "the codes of the voice 'ada' are not valid"),
        (ADA | {"codes": "<audio_1> hm"}, "'hm' is no code"),
        (ADA | {"dialect": "en-UK"}, "speaks 'en-UK', which is no dialect; did you mean en-U?S?"),
        (ADA | {"dialect": 7}, "has no dialect"),
        (ADA | {"gender": "f"}, "has 'f', which is no gender here; choose from female"),
        (ADA | {"gender": ["female"]}, "which is no gender here"),
        (ADA | {"style": "song"}, "has 'song', which is no style; did you mean sung"),
        (ADA | {"audio": "away.flac"}, "has its audio in away.flac, where no file is"),
        (ADA | {"audio": 7}, "has its audio in 7, where no file is"),
        (ADA | {"dialects": ["en-UK"]}, "speaks 'en-UK', which is no dialect"),
        (ADA | {"dialects": "cmn"}, "has 'cmn' as dialects; give a list of words"),
        (ADA | {"allowed_uses": ["fun"]}, "has 'fun', which is no use; choose from research, int"),
        (ADA | {"expires": "soon"}, "expires of the voice 'ada' is 'soon', which is no date"),
        (ADA | {"made_of": ["ben", "ada"]}, "the voice 'ada' is made of itself; name the other"),
        (ADA | {"license": "MIT"}, "a voice has no key 'license'; did you mean licence"),
        ("{", "the line is no JSON"),
        ("[]", "the line is JSON and no object"),
    ],
)
def test_a_faulty_entry_is_refused_with_its_line(
    tmp_path: Path, entry: dict[str, Any] | str, complaint: str
) -> None:
    path = written(tmp_path, ADA | {"speaker": "other"}, "", entry)
    with pytest.raises(UsageError, match=f"^{path} line 3: .*{complaint}"):
        read_book(path)


def test_every_fault_has_its_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, without("text"), ADA | {"gender": "f"}, ADA | {"speaker": "b"}, "{")
    with pytest.raises(UsageError) as refused:
        read_book(path)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"{path} line {one}" for one in (1, 2, 4)]


def test_of_many_faults_ten_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path, *[without("text")] * 14)
    with pytest.raises(UsageError) as refused:
        read_book(path)
    lines = str(refused.value).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 4 more faults like these"


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        (ADA, "line 2: 'ada' has the same recording twice; take one out"),
        (
            ADA | {"style": "rap", "dialect": "en-US"},
            r"line 2: 'ada' is told otherwise than in line 1 \(dialect\); correct one",
        ),
        (
            ADA | {"style": "rap", "dialects": ["cmn"], "owner": "Eve", "gender": "male"},
            r"told otherwise than in line 1 \(gender, owner, dialects\); correct one",
        ),
    ],
)
def test_entries_that_contradict_each_other_are_refused(
    tmp_path: Path, second: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        read_book(written(tmp_path, ADA, second))


def test_a_voice_that_only_raps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1: 'ada' has no recording in plain speech"):
        read_book(written(tmp_path, ADA | {"style": "rap"}))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("voices.yaml", "speaker: ada", "should be a list of voices"),
        ("voices.yaml", "", "should be a list of voices"),
        ("voices.yaml", "- ada\n", "line 1: this is no voice; begin it with '- speaker:'"),
        ("voices.yaml", "- {", "is no YAML in UTF-8"),
        ("voices.yaml", "# nobody\n\n- speaker: ada\n", "line 3: the voice 'ada' has no dialect"),
        (
            "voices.yaml",
            "- speaker: ada\n\n- speaker: ben\n  expires: 2028-02-30\n",
            "line 1: .*\n.* line 3: this voice has a date or a number that cannot be .*; correct",
        ),
        ("voices.yaml", "[]", "has no voices; add one"),
        ("voices.jsonl", "", "has no voices; add one"),
        ("voices.txt", "", "is no file of voices by its name; call it .jsonl or .yaml"),
    ],
)
def test_a_file_that_has_no_voices_is_refused(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=f"^{path} {complaint}"):
        read_book(path)


@pytest.mark.parametrize("name", ["away.jsonl", "away.yaml"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} cannot be read"):
        read_book(tmp_path / name)


def test_a_voice_may_have_several_recordings_of_which_the_first_is_cloned(tmp_path: Path) -> None:
    more = [ADA | {"text": f"Sentence {number}."} for number in range(3)]
    known = read_book(written(tmp_path, ADA, *more))["ada"]
    alone = read_book(written(tmp_path, ADA))["ada"]
    assert [one.text for one in known.recordings] == [ADA["text"], *(one["text"] for one in more)]
    assert known.recording("plain").text == ADA["text"]
    assert known.voice.reference_digest == alone.voice.reference_digest


def test_the_digest_of_a_reference_is_the_one_that_older_requests_bear(tmp_path: Path) -> None:
    """Else what was cloned before there was a book would be asked for again."""
    (tmp_path / "ada.flac").write_bytes(b"fLaC")
    rap = ADA | {"style": "rap", "text": "On the train.", "codes": CODES * 2}
    known = read_book(written(tmp_path, ADA | {"audio": "ada.flac"}, rap))["ada"]
    assert known.voice.reference_digest == "9360cf8f7892c755eb4419525f67dbd2"


def test_owner_uses_end_and_dialects_are_told(tmp_path: Path) -> None:
    told = {
        "owner": "Ada Example", "allowed_uses": ["research", "internal"], "expires": "2028-05-03",
        "dialects": ["cmn", "en-GB"],
    }  # fmt: skip
    known = read_book(written(tmp_path, ADA | told))["ada"]
    assert (known.voice.owner, known.voice.expires) == ("Ada Example", "2028-05-03")
    assert known.voice.allowed_uses == (Use.RESEARCH, Use.INTERNAL)
    assert [voice.dialect for voice in known.voices] == ["en-GB", "cmn"]


def test_a_voice_made_of_others_needs_no_recording_and_a_yaml_date_is_one(tmp_path: Path) -> None:
    path = tmp_path / "voices.yaml"
    blend = {name: ADA[name] for name in ("dialect", "licence", "consent")}
    blend |= {"speaker": "adam", "made_of": ["ada", "sam"]}
    path.write_text(yaml.safe_dump([blend]) + "  expires: 2027-01-31\n", encoding="utf-8")
    known = read_book(path)["adam"]
    assert (known.voice.made_of, known.voice.expires) == (("ada", "sam"), "2027-01-31")
    assert known.recordings == ()
