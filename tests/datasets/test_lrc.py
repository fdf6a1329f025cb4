"""LRC: every form of the format, what is written is read again, one bad line costs no other."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.lrc import LyricLine, Lyrics, Word, parse_lrc, read_lrc, to_lrc

GOLDEN = """\ufeff[ar:The Rivers]\r
[ti:Down to the sea]\r
[length:03:20]\r
[offset:+500]\r
\r
[00:12.50]The river runs\r
[00:15.5]<00:15.50>down <00:16.00>to the <00:16.75>sea<00:18.00>\r
[00:20.500][01:00:20.500]and home\r
[00:25]\r
[00:30]again\r
"""


def times(lyrics: Lyrics) -> list[tuple[int, int | None, str]]:
    return [(line.start_ms, line.end_ms, line.text) for line in lyrics.lines]


def test_a_file_with_all_of_the_format_is_read() -> None:
    lyrics = parse_lrc(GOLDEN.encode())
    assert lyrics.tags == {"ar": "The Rivers", "ti": "Down to the sea", "length": "03:20"}
    assert times(lyrics) == [
        (12_000, 15_000, "The river runs"),
        (15_000, 17_500, "down to the sea"),
        (20_000, 24_500, "and home"),
        (29_500, 3_620_000, "again"),
        (3_620_000, None, "and home"),
    ]
    assert lyrics.lines[1].words == (
        Word(15_000, "down "), Word(15_500, "to the "), Word(16_250, "sea"),
    )  # fmt: skip
    assert [line.number for line in lyrics.lines] == [6, 7, 8, 10, 8]
    assert not lyrics.faults


def test_lyrics_are_written_with_milliseconds_and_ends() -> None:
    lines = (
        LyricLine(1_000, "one two", 2_500, (Word(1_000, "one "), Word(1_200, "two"))),
        LyricLine(3_600_001, "three", None),
    )
    assert to_lrc(Lyrics(lines, {"ar": "A"})) == (
        "[ar:A]\n[00:01.000]<00:01.000>one <00:01.200>two\n[00:02.500]\n[01:00:00.001]three\n"
    )


_LETTERS = st.text(st.characters(categories=("Ll", "Lu", "Lo", "Nd")), min_size=1, max_size=6)
_TAGS = st.dictionaries(
    st.sampled_from(["ar", "ti", "al", "au", "by", "length", "re", "ve"]),
    _LETTERS,
    max_size=3,
)


@st.composite
def _lyrics(draw: st.DrawFn) -> Lyrics:
    starts = sorted(draw(st.sets(st.integers(0, 9_000_000), min_size=1, max_size=6)))
    lines = []
    for start, after in zip(starts, [*starts[1:], None], strict=True):
        until = start + 5_000 if after is None else after
        pieces = draw(st.lists(_LETTERS, min_size=1, max_size=4))
        words: tuple[Word, ...] = ()
        if draw(st.booleans()):
            at = sorted(
                draw(
                    st.lists(st.integers(start, until), min_size=len(pieces), max_size=len(pieces))
                )
            )
            blanks = [*([" "] * (len(pieces) - 1)), ""]
            words = tuple(Word(t, p + b) for t, p, b in zip(at, pieces, blanks, strict=True))
        last = words[-1].start_ms if words else start
        ends = st.integers(max(last, start + 1), max(until, start + 1))
        end = draw(st.one_of(st.none(), ends) if after is None else st.one_of(st.just(after), ends))
        lines.append(LyricLine(start, " ".join(pieces), end, words))
    return Lyrics(tuple(lines), draw(_TAGS))


@given(_lyrics())
def test_what_is_written_is_read_as_it_was(lyrics: Lyrics) -> None:
    again = parse_lrc(to_lrc(lyrics).encode())
    assert again == lyrics
    assert not again.faults


@given(st.binary(max_size=300))
def test_no_bytes_end_the_reading(content: bytes) -> None:
    lyrics = parse_lrc(content)
    starts = [line.start_ms for line in lyrics.lines]
    assert starts == sorted(set(starts))


@given(_lyrics(), st.integers(-900, 900))
def test_a_positive_offset_makes_lyrics_sooner(lyrics: Lyrics, offset_ms: int) -> None:
    moved = parse_lrc(f"[offset:{offset_ms:+}]\n{to_lrc(lyrics)}".encode())
    expected = [line.start_ms - offset_ms for line in lyrics.lines if line.start_ms >= offset_ms]
    assert [line.start_ms for line in moved.lines] == expected


KEPT = "it is kept without word times"
LOST = "it is left out"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("no time at all", f"line 2 has no time before 'no time at all'; {LOST}"),
        ("[00:75]late", f"line 2 has the time [00:75], whose seconds are over 59; {LOST}"),
        ("[00:1x.00]odd", f"line 2 has no time before '[00:1x.00]odd'; {LOST}"),
        ("[12]odd", f"line 2 has '[12]', which is no time; {LOST}"),
        ("[00:01.00]others", f"line 2 begins at 00:01.000 like line 1; {LOST}"),
        ("[00:02]<00:03>a<00:02>b", f"line 2 has word times that run backwards; {KEPT}"),
        ("[00:02]<00:72>a", f"line 2 has a word time whose seconds are over 59; {KEPT}"),
        (
            "[00:02][00:05]<00:02>a",
            f"line 2 has several times and word times, which can belong to one only; {KEPT}",
        ),
        (
            "[00:02]<00:02>a <00:12>b",
            "line 2 is sung until 00:12.000 and line 3 begins at 00:09.000: they overlap; "
            "it is kept to there, without word times",
        ),
        ("[offset:soon]", "the offset 'soon' is no number of milliseconds and is not applied"),
    ],
)
def test_a_fault_is_one_sentence_and_costs_no_other_line(line: str, sentence: str) -> None:
    lyrics = parse_lrc(f"[00:01.00]first\n{line}\n[00:09]last\n".encode())
    told = [(fault.sentence, fault.lost) for fault in lyrics.faults]
    assert told == [(sentence, LOST in sentence)]
    assert {"first", "last"} <= {one.text for one in lyrics.lines}


def test_lines_out_of_order_are_sorted() -> None:
    lyrics = parse_lrc(b"[00:09]b\n[00:01]a\n")
    assert times(lyrics) == [(1_000, 9_000, "a"), (9_000, None, "b")]


def test_a_line_before_the_song_is_told() -> None:
    lyrics = parse_lrc(b"[offset:2000]\n[00:01]a\n[00:09]b\n")
    assert times(lyrics) == [(7_000, None, "b")]
    assert lyrics.faults[0].sentence == (
        "line 2 begins before the song, by the file's offset; it is left out"
    )


def test_a_line_in_another_encoding_is_told_and_the_others_stay() -> None:
    content = b"[00:01]plain\n" + "[00:02]河流\n".encode("gb18030")
    lyrics = parse_lrc(content)
    assert [line.text for line in lyrics.lines] == ["plain"]
    assert lyrics.faults[0].sentence == (
        "line 2 is no utf-8 text (byte 0xba) and is left out; "
        "say how the file is encoded, or write it anew as UTF-8"
    )
    assert [line.text for line in parse_lrc(content, "gb18030").lines] == ["plain", "河流"]


def test_a_byte_order_mark_tells_the_encoding() -> None:
    assert parse_lrc("\ufeff[00:02]河流\n".encode("utf-16-le")).lines[0].text == "河流"


@pytest.mark.parametrize(
    "named", ["utf-16", "UTF-16", "utf_16", "UTF_16_LE", "UTF-32", "utf-32-le"]
)
def test_an_encoding_of_several_bytes_a_sign_is_known_by_each_of_its_names(named: str) -> None:
    width = "32" if "32" in named else "16"
    # U+0A0A and the sign before it hold the bytes of a line's end in their midst.
    content = "[00:01]one \u0a0a\n[00:02]two\n".encode(f"utf-{width}-le")
    lyrics = parse_lrc(content, named)
    assert [line.text for line in lyrics.lines] == ["one \u0a0a", "two"] and not lyrics.faults


def test_a_missing_file_and_an_unknown_encoding_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_lrc(tmp_path / "none.lrc")
    with pytest.raises(UsageError, match="there is no encoding 'runes'"):
        parse_lrc(b"[00:01]a", "runes")
