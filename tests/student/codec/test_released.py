"""The released codec, on small graphs of the released signatures."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_paraformer import ENCODER, SHAPE
from small_released_codec import PARAFORMER, write_released, write_semantic

from lauter.datasets.audio import Samples
from lauter.datasets.codes import deinterleave, find_fault
from lauter.datasets.errors import UsageError
from lauter.student.codec.paraformer import export
from lauter.student.codec.released import ReleasedCodec, open_released

GROUP = 1920
"""Samples of 120 ms at 16 kHz."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_released(tmp_path_factory.mktemp("released"))


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAUTER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def codec(folder: Path, cache: None) -> ReleasedCodec:
    return open_released(folder, threads=3)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "copy")


def speech(samples: int, seed: int = 0) -> Samples:
    """Return something that changes like speech: noise in bursts over a gliding tone."""
    rng = np.random.default_rng([samples, seed])
    time = np.arange(samples) / 16000
    burst = np.abs(np.sin(2 * np.pi * (2 + seed) * time))
    tone = np.sin(2 * np.pi * (150 + 60 * np.sin(3 * time)) * time)
    return (0.3 * burst * (tone + 0.3 * rng.standard_normal(samples))).astype(np.float32)


CLIPS = [
    speech(samples, seed) for seed, samples in enumerate((16_000, 5_000, 33_333, 7_681, 1_920))
]


@pytest.mark.parametrize("groups", [1, 2, 3, 8, 25, 260])
@pytest.mark.parametrize("sample_rate", [16_000, 24_000, 8_000])
def test_every_120_ms_are_a_group(codec: ReleasedCodec, groups: int, sample_rate: int) -> None:
    clip = speech(groups * 120 * sample_rate // 1000)
    (codes,) = codec.encode([clip], [sample_rate])
    assert codes.dtype == np.int32
    assert len(codes) == 5 * groups
    assert find_fault(codes) is None


@pytest.mark.parametrize("samples", [1, 200, 479, 480, 879, 1359, 1919])
def test_what_is_too_short_is_filled_up_to_a_group(codec: ReleasedCodec, samples: int) -> None:
    assert len(codec.encode([speech(samples)], [16_000])[0]) == 5


@settings(max_examples=40, deadline=None)
@given(samples=st.integers(1920, 20_000))
def test_at_most_a_group_is_lost_or_won_at_the_end(codec: ReleasedCodec, samples: int) -> None:
    (codes,) = codec.encode([speech(samples)], [16_000])
    assert abs(len(codes) / 5 - samples / GROUP) < 1


def test_codes_tell_sounds_apart(codec: ReleasedCodec) -> None:
    linguistic, semantic = deinterleave(codec.encode([speech(32_000)], [16_000])[0])
    assert len(set(linguistic.tolist())) > 10
    assert len(set(semantic.tolist())) > 10


def test_a_clip_has_the_same_codes_whatever_its_neighbours(codec: ReleasedCodec) -> None:
    rates = [16_000] * len(CLIPS)
    together = codec.encode(CLIPS, rates)
    turned = codec.encode(CLIPS[::-1], rates)[::-1]
    alone = [codec.encode([clip], [16_000])[0] for clip in CLIPS]
    for one, two, three in zip(together, turned, alone, strict=True):
        assert one.tolist() == two.tolist() == three.tolist()


def test_many_threads_at_once_get_the_same_codes(codec: ReleasedCodec) -> None:
    expected = [codes.tolist() for codes in codec.encode(CLIPS, [16_000] * len(CLIPS))]
    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(lambda _: codec.encode(CLIPS, [16_000] * len(CLIPS)), range(12)):
            assert [codes.tolist() for codes in found] == expected


def test_how_many_threads_work_changes_nothing(folder: Path, codec: ReleasedCodec) -> None:
    other = open_released(folder, threads=1)
    rates = [16_000] * len(CLIPS)
    for one, two in zip(other.encode(CLIPS, rates), codec.encode(CLIPS, rates), strict=True):
        assert one.tolist() == two.tolist()


def test_loudness_changes_no_code_until_it_is_near_silence(codec: ReleasedCodec) -> None:
    clip = CLIPS[0]
    loud, soft, faint = codec.encode([clip, clip / 8, clip / 1024], [16_000] * 3)
    assert loud.tolist() == soft.tolist()
    assert loud.tolist() != faint.tolist()


def test_silence_has_codes(codec: ReleasedCodec) -> None:
    (codes,) = codec.encode([np.zeros(16_000, np.float32)], [16_000])
    assert len(codes) == 5 * 8


def test_after_30_s_the_semantic_codes_begin_anew(codec: ReleasedCodec) -> None:
    # 30 s are 250 groups; the release cuts there, too.
    first, second = speech(250 * GROUP, 1), speech(10 * GROUP, 2)
    second *= np.abs(first).max() / np.abs(second).max()  # they share one peak
    whole = codec.encode([np.concatenate([first, second])], [16_000])[0]
    _, semantic = deinterleave(whole)
    _, after = deinterleave(codec.encode([second], [16_000])[0])
    assert semantic[750:].tolist() == after.tolist()


def test_an_empty_clip_is_named(codec: ReleasedCodec) -> None:
    with pytest.raises(UsageError, match="clip 1 is empty"):
        codec.encode([speech(2000), speech(0)], [16_000, 16_000])


def test_what_it_cannot_do_is_said(codec: ReleasedCodec) -> None:
    with pytest.raises(UsageError, match="only encodes"):
        codec.decode([], [])
    with pytest.raises(UsageError, match="only encodes"):
        codec.timbre(speech(2000), 16_000)


def test_the_fingerprint_is_that_of_the_files(codec: ReleasedCodec, copy: Path) -> None:
    assert open_released(copy).fingerprint == codec.fingerprint
    statistics = copy / PARAFORMER / "am.mvn"
    statistics.write_text(statistics.read_text().replace("-8.0", "-8.1", 1))
    assert open_released(copy).fingerprint != codec.fingerprint


def test_a_graph_that_was_made_elsewhere_needs_no_checkpoint(
    codec: ReleasedCodec, copy: Path
) -> None:
    export(ENCODER, copy / "linguistic_encoder.onnx")
    (copy / PARAFORMER / "model.pt").unlink()
    given = open_released(copy)
    assert given.fingerprint != codec.fingerprint
    assert given.encode(CLIPS[:1], [16_000])[0].tolist() == (
        codec.encode(CLIPS[:1], [16_000])[0].tolist()
    )


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere' is no folder"):
        open_released(tmp_path / "nowhere")


FILES = [
    "linguistic_tokenizer.npy",
    "speech_tokenizer_v1.onnx",
    f"{PARAFORMER}/am.mvn",
    f"{PARAFORMER}/config.yaml",
    f"{PARAFORMER}/model.pt",
]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(UsageError) as caught:
        open_released(copy)
    assert Path(name).name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 3], lambda data: b"\0\xff{["])
def test_a_damaged_file_is_named(copy: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    (copy / name).write_bytes(damage((copy / name).read_bytes()))
    with pytest.raises(UsageError) as caught:
        open_released(copy)
    assert Path(name).name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_paraformers_are_one_too_many(copy: Path) -> None:
    shutil.copytree(copy / PARAFORMER, copy / "another")
    with pytest.raises(UsageError, match="must hold one Paraformer"):
        open_released(copy)


def test_a_semantic_encoder_of_another_signature_is_told_the_right_one(copy: Path) -> None:
    write_semantic(copy / "speech_tokenizer_v1.onnx", bands=80)
    with pytest.raises(UsageError) as caught:
        open_released(copy)
    assert str(caught.value).endswith(
        "takes float [1, 80, T] and int32 [1], and expected is float [1, 128, frames] and "
        "int32 [1]; use the file of the release"
    )


def test_a_semantic_encoder_of_another_rate_is_named(copy: Path) -> None:
    write_semantic(copy / "speech_tokenizer_v1.onnx", stride=1)
    with pytest.raises(UsageError, match=r"makes int32 \[1, 20\] of 400 ms, and 10 whole numbers"):
        open_released(copy)


def test_graphs_that_changed_places_are_told_the_right_signature(copy: Path) -> None:
    shutil.copy(copy / "speech_tokenizer_v1.onnx", copy / "linguistic_encoder.onnx")
    with pytest.raises(UsageError, match=r"expected is float \[1, frames, 560\]"):
        open_released(copy)


@pytest.mark.parametrize("shape", [(1000, SHAPE.hidden), (1024, SHAPE.hidden + 1), (1024,)])
def test_centroids_of_another_shape_are_named(copy: Path, shape: tuple[int, ...]) -> None:
    np.save(copy / "linguistic_tokenizer.npy", np.zeros(shape, np.float32))
    with pytest.raises(UsageError, match=r"linguistic_tokenizer\.npy"):
        open_released(copy)
