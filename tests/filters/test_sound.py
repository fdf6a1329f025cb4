"""Prints of recordings: copies are known by them, other recordings are not taken for copies."""

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import soundfile
from near_duplicate_rows import near_duplicate_rows
from spoken_sentences import spoken_sentences
from studio_clips import sample_of, studio_clips

from lauter.datasets.audio import Clip, Samples, decode_audio, resample
from lauter.filters.near_duplicates import duplicates
from lauter.filters.sound import HOP, SAMPLE_RATE, WINDOW, SoundScorer, sound_print
from lauter.teacher.edit import edit

RATE = 24_000


def encoded(samples: Samples, **options: str) -> Samples:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, **options)
    return decode_audio(file.getvalue())[0]


COPIES: dict[str, Callable[[Samples], Samples]] = {
    "quieter": lambda samples: samples * np.float32(0.08),
    "MP3": lambda samples: encoded(samples, format="MP3"),
    "Vorbis": lambda samples: encoded(samples, format="OGG", subtype="VORBIS"),
    "16 bits": lambda samples: encoded(samples, format="WAV", subtype="PCM_16"),
    "trimmed": lambda samples: samples[3300:-2400],
    "padded": lambda samples: np.pad(samples, (5000, 9000)),
    "at 8 kHz": lambda samples: resample(resample(samples, RATE, 8000), 8000, RATE),
    "trimmed, quieter, MP3": lambda samples: encoded(samples[384:] * 0.3, format="MP3"),
}


@cache
def recordings() -> list[Samples]:
    studio = [utterance.clip.at(RATE) for utterance in studio_clips()]
    return [*(spoken.samples for spoken in spoken_sentences()), *studio]


def found_in(samples: list[Samples], **columns: list[object]) -> list[str | None]:
    """Which of the recordings, each with a text of its own, repeats which."""
    prints = [sound_print(resample(one, RATE, SAMPLE_RATE)) for one in samples]
    found = duplicates(near_duplicate_rows(len(samples), sound_print=prints, **columns))
    return found["duplicate_of"].to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_of_a_recording_is_found(copy: str) -> None:
    originals = recordings()
    found = found_in([*originals, *map(COPIES[copy], originals)])
    assert found[: len(originals)] == [None] * len(originals)
    assert found[len(originals) :] == [f"{number:06d}" for number in range(len(originals))]


def test_other_sentences_and_other_voices_are_no_copies() -> None:
    assert set(found_in(recordings())) == {None}


def test_the_next_level_of_an_emotion_is_no_copy() -> None:
    spoken = spoken_sentences()[0]
    joyful = [edit(spoken.samples, RATE, emotion="joy", emotion_level=n) for n in range(1, 6)]
    assert set(found_in([spoken.samples, *joyful])) == {None}
    # Nor would the same recording be, if it passed for another level.
    assert set(found_in([spoken.samples] * 2, emotion_level=[1, 2])) == {None}


@pytest.mark.parametrize("length", [1, WINDOW, WINDOW + HOP, 40_000])
def test_a_print_has_32_bits_for_each_step_after_the_first_frame(length: int) -> None:
    noise = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    assert len(sound_print(noise)) == max(0, length - WINDOW) // HOP
    assert not sound_print(np.zeros(length, np.float32)).any()


def test_the_scorer_takes_the_print_of_each_clip() -> None:
    utterance = studio_clips()[0]
    (scored,) = SoundScorer().score([sample_of(utterance.clip)])
    again = Clip.of(utterance.clip.samples, utterance.clip.sample_rate).at(SAMPLE_RATE)
    assert np.array_equal(scored["sound_print"], sound_print(again))  # type: ignore[index]
