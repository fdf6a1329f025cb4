"""The codec that ships with Lauter, on real speech."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import Clip, Samples
from lauter.datasets.codes import InvalidCodesError, find_fault
from lauter.datasets.errors import UsageError
from lauter.student.codec.codec import SHIPPED, Codec, Decoding, Timbre, open_codec


@pytest.fixture(scope="module")
def codec() -> Codec:
    return open_codec()


@pytest.fixture(scope="module")
def clips() -> list[Samples]:
    return [sentence.samples for sentence in spoken_sentences()[:3]]


@pytest.fixture(scope="module")
def timbre(codec: Codec, clips: list[Samples]) -> Timbre:
    return codec.timbre(clips[0], 24_000)


def test_a_clip_has_a_group_for_each_120_ms_that_it_touches(
    codec: Codec, clips: list[Samples]
) -> None:
    for clip, codes in zip(clips, codec.encode(clips, [24_000] * 3), strict=True):
        assert find_fault(codes) is None
        assert len(codes) == 5 * -(-len(clip) // 2880)


def test_codes_do_not_depend_on_neighbours(codec: Codec, clips: list[Samples]) -> None:
    together = codec.encode(clips, [24_000] * 3)
    alone = [codec.encode([clip], [24_000])[0] for clip in clips]

    for first, second in zip(together, alone, strict=True):
        assert (first != second).mean() <= 0.02  # rounding moves what lies on a border


def test_other_rates_are_resampled(codec: Codec, clips: list[Samples]) -> None:
    at_16_khz = Clip.of(clips[0], 24_000).at(16_000)

    (codes,) = codec.encode([at_16_khz], [16_000])

    assert abs(len(codes) - len(codec.encode(clips[:1], [24_000])[0])) <= 5


def test_speech_comes_back_in_its_length_whatever_its_neighbours(
    codec: Codec, clips: list[Samples], timbre: Timbre
) -> None:
    codes = codec.encode(clips, [24_000] * 3)

    together = codec.decode(codes, [timbre] * 3, seed=4)

    for stream, samples in zip(codes, together, strict=True):
        assert len(samples) == len(stream) // 5 * 2880
        (alone,) = codec.decode([stream], [timbre], seed=4)
        assert _difference_db(alone, samples) < -50


def test_the_coarse_shape_of_speech_comes_back(
    codec: Codec, clips: list[Samples], timbre: Timbre
) -> None:
    (back,) = codec.decode(codec.encode(clips[:1], [24_000]), [timbre])

    assert _alike_in_loudness(clips[0], back) > 0.8


def test_a_stream_in_chunks_is_close_to_the_whole(
    codec: Codec, clips: list[Samples], timbre: Timbre
) -> None:
    (codes,) = codec.encode(clips[:1], [24_000])
    (whole,) = codec.decode([codes], [timbre], seed=1)

    chunks = list(codec.stream(codes, timbre, seed=1, chunk_groups=4))

    assert [len(chunk) for chunk in chunks[:-1]] == [4 * 2880] * (len(chunks) - 1)
    assert _difference_db(np.concatenate(chunks), whole) < -30


def test_a_prompt_is_gone_on_from_and_not_repeated(codec: Codec, clips: list[Samples]) -> None:
    prompted = codec.timbre(clips[1], 24_000, prompt_groups=6)
    (codes,) = codec.encode(clips[:1], [24_000])

    (samples,) = codec.decode([codes], [prompted])

    assert len(samples) == len(codes) // 5 * 2880
    assert _alike_in_loudness(clips[0], samples) > 0.8


def test_each_book_can_be_left_out(codec: Codec, clips: list[Samples], timbre: Timbre) -> None:
    (codes,) = codec.encode(clips[2:], [24_000])

    decoded = [
        codec.decode([codes], [timbre], decoding=decoding)[0]
        for decoding in (
            Decoding(steps=2),
            Decoding(steps=2, use_linguistic=False),
            Decoding(steps=2, use_semantic=False),
            Decoding(steps=2, griffin_lim=True),
        )
    ]

    assert len({samples.tobytes() for samples in decoded}) == 4


def test_an_invalid_stream_is_refused_by_its_place(codec: Codec, timbre: Timbre) -> None:
    valid, wrong = np.array([[1, 2, 3000, 2000, 2000], [1, 2, 3, 2000, 2000]], np.int32)

    with pytest.raises(InvalidCodesError, match="stream 1 are not valid: at position 2"):
        codec.decode([np.tile(valid, 3), wrong], [timbre, timbre])


def test_a_prompt_does_not_move_the_place_of_a_fault(codec: Codec, clips: list[Samples]) -> None:
    prompted = codec.timbre(clips[1], 24_000, prompt_groups=2)

    with pytest.raises(InvalidCodesError, match="at position 2"):
        codec.decode([np.array([1, 2, 3, 2000, 2000], np.int32)], [prompted])


def test_the_baseline_does_not_hear_its_neighbours_either(
    codec: Codec, clips: list[Samples], timbre: Timbre
) -> None:
    long, short = (stream[: 5 * groups] for stream, groups in
                   zip(codec.encode(clips[:2], [24_000] * 2), (8, 4), strict=True))  # fmt: skip
    decoding = Decoding(steps=1, guidance=0, griffin_lim=True)

    _, together = codec.decode([long, short], [timbre] * 2, decoding=decoding)

    (alone,) = codec.decode([short], [timbre], decoding=decoding)
    assert _difference_db(alone, together) < -20


@pytest.mark.parametrize(
    ("recording", "sentence"),
    [
        (np.zeros(0, np.float32), r"lasts 0\.00 s"),
        (np.full(4_000, 0.1, np.float32), r"lasts 0\.17 s; give at least 0\.5 s"),
        (np.zeros(48_000, np.float32), "silent"),
    ],
)
def test_a_reference_without_a_voice_is_refused(
    codec: Codec, recording: Samples, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        codec.timbre(recording, 24_000)


def test_an_empty_clip_has_no_codes_to_give(codec: Codec) -> None:
    with pytest.raises(UsageError, match="clip 0 is empty"):
        codec.encode([np.zeros(0, np.float32)], [24_000])


def test_a_codec_is_its_folder(codec: Codec, tmp_path: Path, clips: list[Samples]) -> None:
    codec.save(tmp_path, {"note": "copied"})

    copied = open_codec(tmp_path)

    assert copied.fingerprint == codec.fingerprint
    assert copied.about["note"] == "copied"
    for first, second in zip(
        copied.encode(clips, [24_000] * 3), codec.encode(clips, [24_000] * 3), strict=True
    ):
        assert np.array_equal(first, second)


def test_another_decoder_leaves_the_fingerprint_and_another_encoder_does_not(
    codec: Codec, tmp_path: Path
) -> None:
    decoder, encoder = tmp_path / "decoder", tmp_path / "encoder"
    for part, folder in (("vocoder", decoder), ("semantic", encoder)):
        shutil.copytree(SHIPPED, folder)
        changed = open_codec(folder)
        with torch.no_grad():
            next(changed.parts[part].parameters()).add_(1.0)
        changed.save(folder, {})

    assert open_codec(decoder).fingerprint == codec.fingerprint
    assert open_codec(encoder).fingerprint != codec.fingerprint


def test_what_is_no_codec_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no codec"):
        open_codec(tmp_path)

    shutil.copytree(SHIPPED, tmp_path / "cut")
    weights = tmp_path / "cut" / "codec.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UsageError, match="is damaged"):
        open_codec(tmp_path / "cut")

    shutil.copytree(SHIPPED, tmp_path / "later")
    for told, sentence in (({"format": 2}, "has format 2"), ([1], "has format None")):
        (tmp_path / "later" / "codec.json").write_text(json.dumps(told))
        with pytest.raises(UsageError, match=sentence):
            open_codec(tmp_path / "later")


def _alike_in_loudness(one: Samples, other: Samples) -> float:
    """Return the correlation of two sounds' loudness, frame by frame of 20 ms."""
    frames = min(len(one), len(other)) // 480
    loudness = [
        np.log10(np.square(wave[: frames * 480].reshape(frames, 480)).mean(1) + 1e-6)
        for wave in (one, other)
    ]
    return float(np.corrcoef(*loudness)[0, 1])


def _difference_db(found: Samples, wanted: Samples) -> float:
    return float(10 * np.log10(np.square(found - wanted).mean() / np.square(wanted).mean() + 1e-12))
