"""Marks change no sample, are read back, and go without a trace."""

import io
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lauter.datasets.audio import decode_audio, encode_flac
from lauter.datasets.errors import UsageError
from lauter.datasets.flac_comments import comments_of, with_comments
from lauter.datasets.marking import Marks, Synthetic, comment, marked, marks_in, marks_of, unmarked

RATE = 16000
MADE = Marks(
    Synthetic.YES, "0123456789abcdef0123456789abcdef", "studio", "f" * 32, "af_heart",
    "Apache-2.0", "CC0-1.0", "c" * 32, "v1",
)  # fmt: skip
SAMPLES = arrays.arrays(np.int16, st.integers(1, 5000))
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
MARKS = st.builds(Marks, st.sampled_from(Synthetic), *[WORDS] * 8)
FOREIGN = st.lists(
    st.builds(lambda name, value: f"{name}={value}".encode(),
              st.sampled_from(["ARTIST", "TITLE", "SYNTHETIC", "COMMENT", "encoder", "X"]), WORDS),
    max_size=4,
)  # fmt: skip


FRAMES = encode_flac(np.arange(500, dtype=np.int16), RATE)[-100:]


def wav_of(samples: np.ndarray) -> bytes:
    written = io.BytesIO()
    soundfile.write(written, samples, RATE, "PCM_16", format="WAV")
    return written.getvalue()


def without_block_of_comments(flac: bytes) -> bytes:
    """libFLAC always writes one; other encoders need not. What is left ends with STREAMINFO."""
    (size,) = struct.unpack(">I", b"\0" + flac[43:46])
    assert flac[42] == 0x84
    return flac[:4] + b"\x80" + flac[5:42] + flac[46 + size :]


@settings(deadline=None)
@given(SAMPLES, MARKS, FOREIGN, st.booleans())
def test_a_flac_sounds_the_same_tells_its_mark_and_goes_back_to_the_byte(
    samples: np.ndarray, marks: Marks, foreign: list[bytes], bare: bool
) -> None:
    flac = encode_flac(samples, RATE)
    flac = with_comments(without_block_of_comments(flac) if bare else flac, foreign)
    flac_marked = marked(flac, marks)
    assert np.array_equal(soundfile.read(io.BytesIO(flac_marked), dtype="int16")[0], samples)
    assert marks_of(flac_marked) == marks
    assert comments_of(flac_marked)[: len(foreign)] == foreign
    assert unmarked(flac_marked) == flac
    assert unmarked(flac) == flac and marks_of(flac) is None


@settings(deadline=None)
@given(SAMPLES, MARKS)
def test_a_wav_sounds_the_same_tells_its_mark_and_goes_back_to_the_byte(
    samples: np.ndarray, marks: Marks
) -> None:
    wav = wav_of(samples)
    assert np.array_equal(soundfile.read(io.BytesIO(marked(wav, marks)), dtype="int16")[0], samples)
    assert np.array_equal(decode_audio(marked(wav, marks))[0], decode_audio(wav)[0])
    assert marks_of(marked(wav, marks)) == marks
    assert unmarked(marked(wav, marks)) == wav
    assert unmarked(wav) == wav and marks_of(wav) is None


def test_a_wav_that_lacked_its_pad_byte_has_it_when_its_mark_is_gone() -> None:
    written = io.BytesIO()
    soundfile.write(written, np.arange(501) / 1000, RATE, "PCM_U8", format="WAV")
    padded = written.getvalue()
    assert len(padded) % 2 == 0 and padded[-1] == 0
    for wav in (padded, padded[:-1]):
        assert marks_of(marked(wav, MADE)) == MADE
        assert unmarked(marked(wav, MADE)) == padded


@pytest.mark.parametrize("encode", [lambda samples: encode_flac(samples, RATE), wav_of])
def test_a_second_mark_replaces_the_first(encode: "object") -> None:
    assert callable(encode)
    plain = encode(np.arange(500, dtype=np.int16))
    other = Marks(Synthetic.UNKNOWN, "other", "import", "1" * 32, "someone")
    assert marked(marked(plain, MADE), other) == marked(plain, other)


def test_the_mark_of_a_flac_is_these_words_and_an_id3_tag_before_it_stays() -> None:
    flac = encode_flac(np.arange(500, dtype=np.int16), RATE)
    assert [one.decode() for one in comments_of(marked(flac, MADE))] == [
        "LAUTER_MARK=1",
        "SYNTHETIC=yes",
        "LAUTER_REQUEST_ID=0123456789abcdef0123456789abcdef",
        "LAUTER_TEACHER=studio",
        f"LAUTER_TEACHER_FINGERPRINT={'f' * 32}",
        "LAUTER_VOICE=af_heart",
        "LAUTER_VOICE_LICENCE=Apache-2.0",
        "LAUTER_TEXT_LICENCE=CC0-1.0",
        f"LAUTER_CORPUS={'c' * 32}",
        "LAUTER_RELEASE=v1",
        "ARTIST=af_heart",
        "LICENSE=voice Apache-2.0, text CC0-1.0",
        "COMMENT=Synthetic speech, made by the teacher studio; `lauter trace` finds where it "
        "comes from",
    ]
    tag = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
    assert marked(tag + flac, MADE) == tag + marked(flac, MADE)
    assert unmarked(tag + marked(flac, MADE)) == tag + flac


@pytest.mark.parametrize("encode", [lambda samples: encode_flac(samples, RATE), wav_of])
def test_players_show_the_voice_and_that_it_is_synthetic(encode: "object") -> None:
    assert callable(encode)
    shown = soundfile.SoundFile(io.BytesIO(marked(encode(np.arange(500, dtype=np.int16)), MADE)))
    assert shown.artist == "af_heart"
    assert shown.comment.startswith("Synthetic speech, made by the teacher studio")


@pytest.mark.parametrize("kind", [("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS")])
def test_lossy_formats_bear_the_mark_as_their_comment(kind: tuple[str, str]) -> None:
    written = io.BytesIO()
    with soundfile.SoundFile(written, "w", 48000, 1, kind[1], format=kind[0]) as file:
        file.comment = comment(MADE)
        file.write(np.zeros(48000))
    assert marks_of(written.getvalue()) == MADE


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "MP3", "OGG", "cut off", "empty"])
def test_a_file_on_a_disk_tells_its_mark_as_its_bytes_do(kind: str, tmp_path: Path) -> None:
    flac = marked(encode_flac(np.arange(900, dtype=np.int16), RATE), MADE)
    encoded = {"FLAC": flac, "WAV": marked(wav_of(np.arange(900, dtype=np.int16)), MADE),
               "cut off": flac[:60], "empty": b""}  # fmt: skip
    if kind not in encoded:
        written = io.BytesIO()
        with soundfile.SoundFile(written, "w", RATE, 1, format=kind) as file:
            file.comment = comment(MADE)
            file.write(np.zeros(900))
        encoded[kind] = written.getvalue()
    (tmp_path / "file").write_bytes(encoded[kind])
    expected = None if kind in ("cut off", "empty") else MADE
    assert marks_in(tmp_path / "file") == marks_of(encoded[kind]) == expected


def test_a_mark_of_a_later_version_is_read_as_far_as_it_is_understood_and_goes_whole() -> None:
    flac = encode_flac(np.arange(500, dtype=np.int16), RATE)
    later = [b"LAUTER_MARK=2", b"SYNTHETIC=partly", b"LAUTER_REQUEST_ID=abc", b"LAUTER_NEW=x"]
    marks = marks_of(with_comments(flac, later))
    assert marks is not None
    assert (marks.synthetic, marks.request_id) == (Synthetic.UNKNOWN, "abc")
    left = comments_of(unmarked(with_comments(flac, later)))
    assert left == [b"SYNTHETIC=partly"]


@settings(deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_refused_or_marked_and_never_something_else(
    place: int, put: bytes
) -> None:
    flac = bytearray(marked(encode_flac(np.arange(500, dtype=np.int16), RATE), MADE))
    flac[place : place + len(put)] = put
    damaged = bytes(flac)
    marks_of(damaged), unmarked(damaged)
    with suppress(UsageError):
        again = marked(damaged, MADE)
        assert marks_of(again) == MADE
        assert again.endswith(FRAMES) or not damaged.endswith(FRAMES)


def test_what_is_cut_off_in_its_head_or_is_no_audio_cannot_be_marked() -> None:
    flac = encode_flac(np.arange(500, dtype=np.int16), RATE)
    for damaged, said in [
        (flac[:30], "the head of the FLAC is damaged"),
        (b"\xff\xfb not sound", "only FLAC and WAV can be marked"),
        (b"", "only FLAC and WAV can be marked"),
    ]:
        with pytest.raises(UsageError, match=said):
            marked(damaged, MADE)
        assert marks_of(damaged) is None and unmarked(damaged) == damaged
    with pytest.raises(UsageError, match="16777215 is the most"):
        with_comments(flac, [b"X=" + bytes(1 << 24)])
