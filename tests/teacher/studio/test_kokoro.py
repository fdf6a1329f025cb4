"""Kokoro's surroundings: cutting what is too long, refusing what it does not know."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.weights import find
from lauter.teacher.silence import trimmed
from lauter.teacher.studio.kokoro import Kokoro, split
from lauter.teacher.studio.voices import Pack, pack_names, read_packs

WORDS = st.lists(st.text("abc.,!?;…”", min_size=1, max_size=30), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def kokoro() -> Kokoro:
    return Kokoro(find("kokoro"), find("kokoro-vocabulary"))


@pytest.fixture(scope="module")
def pack() -> Pack:
    source = find("kokoro-voices")
    name = pack_names(source)[0]
    return read_packs(source, [name])[name]


@given(WORDS, st.integers(8, 60))
def test_pieces_fit_and_lose_nothing_but_spaces(words: list[str], limit: int) -> None:
    phonemes = " ".join(words)
    pieces = [piece for piece, _ in split(phonemes, limit)]
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join(pieces).replace(" ", "") == phonemes.replace(" ", "")


def test_a_long_text_is_cut_where_its_sentences_end() -> None:
    assert split("one two. three, four. five", 20) == [
        ("one two.", 0.3),
        ("three, four. five", 0.0),
    ]
    assert split("one two, three four five", 20) == [("one two,", 0.15), ("three four five", 0.0)]
    assert split("one two three four", 10) == [("one two", 0.0), ("three four", 0.0)]


def test_a_phoneme_out_of_the_vocabulary_is_refused_not_dropped(kokoro: Kokoro, pack: Pack) -> None:
    with pytest.raises(UsageError, match="gives the sounds '❓', which Kokoro does not know"):
        kokoro.speak("həlˈO ❓", pack)


def test_twice_the_pace_takes_about_half_the_time(kokoro: Kokoro, pack: Pack) -> None:
    slow, fast = (kokoro.speak("həlˈO mI fɹˈɛnd.", pack, speed) for speed in (1.0, 2.0))
    assert 0.35 < len(fast) / len(slow) < 0.7


def test_silence_is_trimmed_to_a_margin() -> None:
    tone = np.sin(np.arange(2400, dtype=np.float32) / 5)
    padded = np.concatenate([np.zeros(9600, np.float32), tone, np.zeros(7200, np.float32)])
    kept = trimmed(padded, 24_000)
    assert len(kept) == 1200 + 2400 + 1200
    assert np.array_equal(trimmed(kept, 24_000), kept)
    assert len(trimmed(np.zeros(9600, np.float32), 24_000)) == 9600
