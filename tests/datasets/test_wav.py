"""Plain WAV files are read as libsndfile reads them, and others are left to it."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lauter.datasets.errors import UsageError
from lauter.datasets.wav import plain_wav


def encoded(samples: np.ndarray, subtype: str = "PCM_16", container: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 22050, format=container, subtype=subtype)
    return buffer.getvalue()


@given(arrays.arrays(np.int16, st.integers(0, 300)), st.binary(max_size=40), st.integers(0, 300))
def test_a_plain_wav_is_read_as_libsndfile_reads_it(
    samples: np.ndarray, note: bytes, start: int
) -> None:
    wav = encoded(samples)
    note += b"\0" * (len(note) % 2)  # chunks have even lengths
    wav = wav[:12] + b"note" + len(note).to_bytes(4, "little") + note + wav[12:]
    opened = plain_wav(wav)
    assert opened is not None
    assert (opened.frames, opened.samplerate) == (len(samples), 22050)
    start = min(start, len(samples))
    opened.seek(start)
    read = opened.read(opened.frames - opened.tell(), dtype="int16", always_2d=True)
    with soundfile.SoundFile(io.BytesIO(wav)) as file:
        file.seek(start)
        assert np.array_equal(read, file.read(dtype="int16", always_2d=True))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_other_samples_are_left_to_libsndfile(subtype: str) -> None:
    assert plain_wav(encoded(np.zeros(100), subtype)) is None


def test_other_files_are_left_to_libsndfile() -> None:
    assert plain_wav(encoded(np.zeros((100, 2)))) is None
    assert plain_wav(encoded(np.zeros(100), container="FLAC")) is None
    assert plain_wav(b"") is None
    assert plain_wav(encoded(np.zeros(100))[:40]) is None


def test_a_wav_that_says_more_than_it_has_is_refused_whatever_its_samples() -> None:
    for subtype in ("PCM_16", "PCM_24"):
        with pytest.raises(UsageError, match="is cut off: its header says"):
            plain_wav(encoded(np.zeros(100), subtype)[:-2])
