"""Audio in and out: nothing is lost by encoding, and nothing false is read."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lauter.datasets.audio import (
    Clip,
    RecentlyEncoded,
    audio_digest,
    decode_audio,
    encode_flac,
    open_audio,
    read_samples,
)
from lauter.datasets.errors import UsageError

RATE = 16000
INTEGERS = arrays.arrays(np.int16, st.integers(1, 9000))


def tone(seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    wave = 0.4 * np.sin(np.arange(round(seconds * RATE)) / 20)
    return wave if channels == 1 else np.stack([wave] * channels, axis=1)


def encoded(samples: np.ndarray, container: str = "WAV", subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format=container, subtype=subtype)
    return buffer.getvalue()


@given(INTEGERS)
def test_integers_pass_through_flac_unchanged(samples: np.ndarray) -> None:
    with open_audio(encode_flac(samples, RATE)) as file:
        read = read_samples(file)
    assert read.dtype == np.int16
    assert np.array_equal(read, samples)


@given(INTEGERS)
def test_what_is_decoded_and_encoded_again_is_the_same_file(samples: np.ndarray) -> None:
    flac = encode_flac(samples, RATE)
    decoded, rate = soundfile.read(io.BytesIO(flac), dtype="float32")
    assert encode_flac(decoded, rate) == flac


@given(INTEGERS)
def test_what_was_just_encoded_is_read_as_any_decoder_would(samples: np.ndarray) -> None:
    flac = encode_flac(samples, RATE)
    expected, _ = soundfile.read(io.BytesIO(flac), dtype="float32")
    samples[:] = 0  # neither the caller's array nor an earlier answer is what is remembered
    for _ in range(2):
        decoded, rate = decode_audio(flac)
        assert (decoded.dtype, rate) == (np.float32, RATE)
        assert np.array_equal(decoded, expected)
        decoded[:] = 0


def test_only_the_latest_samples_are_remembered() -> None:
    recent = RecentlyEncoded(capacity=5 * (100 * 2 + 1))
    for number in range(10):
        recent.put(bytes([number]), np.full(100, number, np.int16), RATE)
        recent.put(bytes([number]), np.full(100, number, np.int16), RATE)
    found = [recent.get(bytes([number])) for number in range(10)]
    assert [entry is not None for entry in found] == [False] * 5 + [True] * 5
    assert found[9] is not None and found[9][0].tolist() == [9] * 100


def test_what_is_remembered_keeps_nothing_larger_alive() -> None:
    recent, whole = RecentlyEncoded(capacity=1000), np.zeros(10_000, np.int16)
    whole.setflags(write=False)
    recent.put(b"a piece of it", whole[:10], RATE)
    found = recent.get(b"a piece of it")
    assert found is not None and found[0].base is None


@given(arrays.arrays(np.float32, st.integers(1, 500), elements=st.floats(-1, 1, width=32)))
def test_floats_are_stored_within_one_step(samples: np.ndarray) -> None:
    decoded, _ = decode_audio(encode_flac(samples, RATE))
    assert np.abs(decoded - samples).max() <= 1 / 32768


def test_values_beyond_full_scale_are_clipped_and_not_wrapped() -> None:
    decoded, _ = decode_audio(encode_flac(np.array([-3.0, 3.0, -1.0, 1.0], np.float32), RATE))
    assert decoded.tolist() == [-1.0, 32767 / 32768, -1.0, 32767 / 32768]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(bad: float) -> None:
    samples = np.array([0.1, bad, 0.2, bad], np.float32)
    with pytest.raises(UsageError, match="2 of 4 samples are not numbers"):
        encode_flac(samples, RATE)
    with pytest.raises(UsageError, match="2 of 4 samples of the audio are not numbers"):
        decode_audio(encoded(samples, subtype="FLOAT"))


@pytest.mark.parametrize("shape", [(0,), (4, 2), ()])
def test_what_is_no_row_of_samples_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="no mono audio"):
        encode_flac(np.zeros(shape, np.float32), RATE)


def test_a_file_without_samples_is_refused() -> None:
    with pytest.raises(UsageError, match="holds no samples"):
        decode_audio(encoded(np.zeros((0, 1))))


@pytest.mark.parametrize(
    ("container", "subtype", "error"),
    [
        ("WAV", "PCM_U8", 1 / 128),
        ("WAV", "PCM_16", 1 / 32768),
        ("WAV", "PCM_24", 1 / 2**23),
        ("WAV", "PCM_32", 1 / 2**23),
        ("WAV", "FLOAT", 1e-6),
        ("WAV", "DOUBLE", 1e-6),
        ("WAV", "ULAW", 0.02),
        ("FLAC", "PCM_S8", 1 / 128),
        ("FLAC", "PCM_24", 1 / 2**23),
        ("OGG", "VORBIS", 0.03),
        ("MP3", "MPEG_LAYER_III", 0.03),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_kind_of_file_is_read_as_the_mono_sound_it_holds(
    container: str, subtype: str, error: float, channels: int
) -> None:
    decoded, rate = decode_audio(encoded(tone(channels=channels), container, subtype))
    assert (decoded.dtype, rate, decoded.ndim) == (np.float32, RATE, 1)
    inner = slice(2000, -2000)  # an MP3 is smeared over its edges
    assert np.abs(decoded[inner] - tone()[inner]).max() <= error


@pytest.mark.parametrize("channels", [3, 6])
def test_many_channels_are_mixed_to_one(channels: int) -> None:
    samples = np.zeros((1000, channels))
    samples[:, 0] = 0.5
    decoded, _ = decode_audio(encoded(samples))
    assert decoded == pytest.approx(np.full(1000, 0.5 / channels), abs=1e-4)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "FLOAT"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.7])
def test_a_file_that_is_cut_off_is_refused(container: str, subtype: str, kept: float) -> None:
    whole = encoded(tone(3.0), container, subtype)
    with pytest.raises(UsageError):
        decode_audio(whole[: round(kept * len(whole))])


@pytest.mark.parametrize("size", [0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_that_was_streamed_without_knowing_its_length_is_read(size: int) -> None:
    wav = bytearray(encoded(tone()))
    struct.pack_into("<I", wav, wav.index(b"data") + 4, size)
    assert len(decode_audio(bytes(wav))[0]) == RATE


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3000), st.sampled_from(["WAV", "FLAC", "OGG"]))
def test_damage_anywhere_gives_samples_or_a_sentence(
    noise: bytes, place: int, container: str
) -> None:
    data = bytearray(encoded(tone(0.2), container, "VORBIS" if container == "OGG" else "PCM_16"))
    data[place : place + len(noise)] = noise
    try:
        samples, _ = decode_audio(bytes(data))
    except UsageError as error:
        assert "object at 0x" not in str(error)
    else:
        assert len(samples) and np.isfinite(samples).all()


def test_the_digest_of_a_file_is_golden() -> None:
    assert audio_digest(b"fLaC") == "c80eead88c5ecb18fb0a313a13212fe4"


def test_a_clip_knows_its_length_and_gives_other_rates() -> None:
    clip = Clip.of(tone(0.5).astype(np.float32), RATE)
    assert clip.duration_s == 0.5
    assert len(clip.at(8000)) == 4000
    assert clip.at(RATE) is clip.samples
