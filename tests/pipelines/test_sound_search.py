"""One recording among many: found after what people do to files, and nothing else is."""

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import Samples, decode_audio, resample
from lauter.filters.near_duplicates import SOUND_ALIKE
from lauter.filters.sound import SAMPLE_RATE, sound_print
from lauter.pipelines.sound_search import likenesses

PRINTS = pa.list_(pa.uint32())
RATE = 24_000


def mp3(samples: Samples) -> Samples:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="MP3")
    return decode_audio(file.getvalue())[0]


CHANGES: dict[str, Callable[[Samples], Samples]] = {
    "MP3": mp3,
    "at 8 kHz": lambda samples: resample(resample(samples, RATE, 8000), 8000, RATE),
    "quieter and trimmed": lambda samples: samples[3000:-2000] * np.float32(0.1),
}


def print_of(samples: Samples) -> np.ndarray:
    return sound_print(resample(samples, RATE, SAMPLE_RATE))


@cache
def prints() -> pa.Array:
    return pa.array([print_of(spoken.samples) for spoken in spoken_sentences()], PRINTS)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_nearest_to_its_own_recording_and_to_no_other(change: str) -> None:
    for number, spoken in enumerate(spoken_sentences()):
        found = likenesses(print_of(CHANGES[change](spoken.samples)), prints())
        assert int(np.nanargmax(found)) == number
        assert found[number] >= SOUND_ALIKE
        assert np.nanmax(np.delete(found, number)) < SOUND_ALIKE


@given(st.lists(st.integers(0, 2**32 - 1), min_size=12, max_size=60), st.integers(0, 16),
       st.integers(0, 2**32 - 1))  # fmt: skip
def test_a_print_is_like_itself_wherever_it_begins(
    frames: list[int], shift: int, seed: int
) -> None:
    before = np.random.default_rng(seed).integers(0, 2**32, shift, np.uint32).tolist()
    wanted = np.array(frames, np.uint32)
    found = likenesses(wanted, pa.array([frames, before + frames, None, [], frames[:11]], PRINTS))
    assert found[0] == found[1] == 1.0
    assert np.isnan(found[2:]).all()


def test_nothing_is_like_no_print() -> None:
    assert np.isnan(likenesses(np.zeros(0, np.uint32), prints())).all()
    assert len(likenesses(np.ones(20, np.uint32), pa.array([], PRINTS))) == 0
    assert np.isnan(likenesses(np.ones(20, np.uint32), pa.array([None], PRINTS))).all()


def test_a_slice_of_an_array_is_searched_as_the_whole() -> None:
    wanted = print_of(spoken_sentences()[3].samples)
    whole, part = likenesses(wanted, prints()), likenesses(wanted, prints().slice(2, 3))
    assert np.array_equal(whole[2:5], part, equal_nan=True)
