"""Sounds between words: the word in the text and the sound in the speech stand in one place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken_sentences import Spoken, spoken_sentences

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Sound, without_sounds
from lauter.teacher.edit.level import active_level
from lauter.teacher.edit.pauses import without_silence
from lauter.teacher.edit.sounds import PAUSE_S, tagged, with_sound

SENTENCES = spoken_sentences()
RATE = SENTENCES[0].sample_rate
SOUNDS = st.sampled_from(Sound)
SEEDS = st.integers(-(2**63), 2**63 - 1)
WRITTEN = st.lists(
    st.sampled_from(
        [
            *("Well", "yes", "1", "000", "[", "]", "[sic]", "(a)", "\u201c", "\u201d", "你好"),
            *("世界", "雨が", "家に", "10", ":30", ",", ", ", "，", "、", "；", "：", "——", " — "),
            *(" ", ". ", "。", "\n", "  "),
        ]
    ),
    max_size=9,
).map("".join)


@given(WRITTEN | st.text(max_size=30), SOUNDS, SEEDS)
def test_a_text_without_its_sounds_is_the_text(text: str, sound: Sound, seed: int) -> None:
    told = tagged(text, sound, seed)
    assert f"[{sound}]" in told
    assert without_sounds(told) == without_sounds(text) == text.strip()
    assert told == tagged(text, sound, seed)


@given(SOUNDS)
def test_every_place_of_a_text_is_chosen_by_some_seed(sound: Sound) -> None:
    def places(text: str) -> set[str]:
        return {tagged(text, sound, seed).replace(sound, "") for seed in range(6)}

    assert places("Well, yes.") == {"[] Well, yes.", "Well, yes. []", "Well, [] yes."}
    assert places("你好，世界。") == {"[] 你好，世界。", "你好，世界。 []", "你好，[]世界。"}


@pytest.mark.parametrize(
    "text",
    [
        "We saw 1,000 boats.",
        "He came at 10:30 sharp.",
        "One, two, three.",
        "三，000人。",
        "\u201c来，\u201d他说。",
        "Hello,",
        "",
    ],
)
def test_a_sound_stands_in_no_number_and_at_no_comma_among_several(text: str) -> None:
    assert len({tagged(text, Sound.PAUSE, seed) for seed in range(6)}) == 2


def said_in(parts: list[Spoken], pauses_s: list[float]) -> tuple[Samples, list[int]]:
    """Sentences as one, so many seconds apart; and where each ends."""
    pieces: list[Samples] = []
    ends = []
    for part, pause_s in zip(parts, pauses_s, strict=True):
        spoken = part.samples[np.flatnonzero(np.abs(part.samples) > 1e-3)[[0, -1]].tolist()[0] :]
        spoken = spoken[: np.flatnonzero(np.abs(spoken) > 1e-3)[-1] + 1]
        pieces += [spoken, np.zeros(round(pause_s * RATE), np.float32)]
        ends.append(sum(map(len, pieces)) - round(pause_s * RATE))
    return np.concatenate(pieces), ends


def where(before: Samples, after: Samples) -> int:
    """The place at which something was put in."""
    same = min(len(before), len(after))
    differ = np.flatnonzero(before[:same] != after[:same])
    return int(differ[0]) if len(differ) else same


@pytest.mark.parametrize(
    ("sound", "number"),
    [(Sound.PAUSE, 0), (Sound.PAUSE, 1), (Sound.PAUSE, 2), (Sound.LAUGHTER, 0),
     (Sound.BREATHING, 1)],
)  # fmt: skip
def test_a_sound_is_heard_where_its_word_stands(sound: Sound, number: int) -> None:
    """The comma stands after the second of three sentences; its pause is not the longest."""
    one, two, three = SENTENCES[0], SENTENCES[5], SENTENCES[7]
    orders = ([one, two, three], [three, one, two], [two, three, one])
    parts = orders[number]
    samples, ends = said_in(parts, [0.6, 0.2, 0.0])
    first, second, third = (part.text for part in parts)
    text = f"{first} {second[:-1]}, {third}"
    for seed in range(3):
        told = tagged(text, sound, seed)
        after = with_sound(samples, RATE, text, sound, seed)
        assert len(after) > len(samples) + 0.4 * RATE
        if told.startswith("["):
            assert np.array_equal(after[-len(samples) :], samples)
        elif told.endswith("]"):
            assert np.array_equal(after[: len(samples)], samples)
        else:
            assert ends[1] <= where(samples, after) <= ends[1] + 0.2 * RATE


def test_where_no_pause_is_near_the_comma_a_quiet_place_is() -> None:
    spoken = SENTENCES[0]
    samples = without_silence(spoken.samples, RATE)
    text = "The last train, leaves at nine."
    seed = next(seed for seed in range(3) if ", [" in tagged(text, Sound.PAUSE, seed))
    place = where(samples, with_sound(samples, RATE, text, Sound.PAUSE, seed))
    assert 0.25 < place / len(samples) < 0.75
    around = samples[place - 24 : place + 24]  # else it clicks
    assert np.sqrt(np.mean(np.square(around))) < 0.3 * np.sqrt(np.mean(np.square(samples)))


def test_a_breath_is_softer_than_the_speech_a_laugh_about_as_loud_and_a_pause_silent() -> None:
    for spoken in SENTENCES[::9]:
        level = active_level(spoken.samples, RATE)
        heard = {}
        for sound in Sound:
            after = with_sound(spoken.samples, RATE, "Yes.", sound, 0)
            heard[sound] = after[: len(after) - len(spoken.samples)]
        assert -20 < active_level(heard[Sound.BREATHING], RATE) - level < -12
        assert -6 < active_level(heard[Sound.LAUGHTER], RATE) - level < 2
        assert not heard[Sound.PAUSE].any()
        assert len(heard[Sound.PAUSE]) >= PAUSE_S * RATE
        assert all(np.abs(one).max() < 1 for one in heard.values())


def test_too_short_speech_has_no_voice_to_make_a_sound_of() -> None:
    with pytest.raises(UsageError, match="too short to be edited"):
        with_sound(SENTENCES[0].samples[:480], RATE, "Yes.", Sound.LAUGHTER, 0)
