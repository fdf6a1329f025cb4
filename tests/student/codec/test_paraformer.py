"""The linguistic encoder: all chunks at once give what FunASR gave chunk by chunk."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from small_paraformer import ENCODER, SHAPE, known_features, write_configuration, write_folder

from lauter.datasets.errors import UsageError
from lauter.student.codec.paraformer import Encoder, Shape, export, exported, load_encoder


def test_hidden_states_are_those_of_funasr() -> None:
    # FunASR 1.4.16, SANMEncoderChunkOpt.forward_chunk, chunks [0, 4, 5], looking back 4.
    streamed = {
        0: [-0.3232, -0.3952, 0.3281, -0.5597],
        3: [0.0327, 0.1359, 0.3427, -0.5253],
        4: [-0.5668, -0.2560, 0.2475, -0.5746],
        18: [-0.3077, 0.2978, -0.2039, -0.5895],
        27: [-0.1456, 0.7080, -0.0224, -0.5639],
        28: [-0.6550, 0.5927, -0.0294, -0.6157],
        30: [-0.0861, -0.0178, -0.3526, -0.5959],
    }
    with torch.inference_mode():
        hidden = ENCODER(known_features(31))[0]
    for frame, numbers in streamed.items():
        assert hidden[frame, :4].tolist() == pytest.approx(numbers, abs=1e-3)


@pytest.mark.parametrize("chunks", [1, 3, 7])
def test_what_comes_later_changes_no_earlier_chunk(chunks: int) -> None:
    with torch.inference_mode():
        whole = ENCODER(known_features(31))
        cut = ENCODER(known_features(31)[:, : 4 * chunks])
    assert torch.allclose(whole[:, : 4 * chunks], cut, atol=1e-5)


def test_the_release_has_158_million_weights() -> None:
    with torch.device("meta"):
        encoder = Encoder(Shape())
    assert sum(weight.numel() for weight in encoder.parameters()) == 157_975_648


def test_the_graph_computes_what_the_network_does_at_every_length(tmp_path: Path) -> None:
    export(ENCODER, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    for frames in (1, 2, 3, 4, 5, 8, 17, 31):
        features = known_features(frames)
        (hidden,) = session.run(None, {"feats": features.numpy()})
        with torch.inference_mode():
            expected = ENCODER(features).numpy()
        assert hidden.shape == (1, frames, SHAPE.hidden)
        assert np.abs(hidden - expected).max() < 1e-4


def test_a_checkpoint_is_turned_into_a_graph_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUTER_CACHE", str(tmp_path / "cache"))
    folder = write_folder(tmp_path / "a")
    first = exported(folder)
    made = first.stat().st_mtime_ns
    assert exported(folder) == first
    assert first.stat().st_mtime_ns == made
    assert list((tmp_path / "cache").glob("*.onnx")) == [first]


def test_a_missing_package_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'lauter\[released\]'"):
        exported(write_folder(tmp_path / "a"))
    assert not list((tmp_path / "cache").glob("**/*.onnx"))


def test_a_checkpoint_that_is_cut_off_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    whole = (folder / "model.pt").read_bytes()
    (folder / "model.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"model.pt' cannot be read; it is damaged"):
        load_encoder(folder)


def test_a_checkpoint_of_another_size_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, shape=Shape(hidden=16, heads=2, ffn=24, layers=4))
    with pytest.raises(UsageError, match=r"is not the encoder that its config.yaml tells of"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("front_end", "named"),
    [({"lfr_m": 5}, "has lfr_m: 5, and only 7"), ({"window": "povey"}, "only hamming")],
)
def test_a_front_end_that_we_do_not_have_is_named(
    tmp_path: Path, front_end: dict[str, Any], named: str
) -> None:
    write_configuration(write_folder(tmp_path), **front_end)
    with pytest.raises(UsageError, match=named):
        load_encoder(tmp_path)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "encoder_conf: {}\nfrontend_conf: {}"])
def test_a_configuration_that_says_nothing_is_named(tmp_path: Path, text: str) -> None:
    (write_folder(tmp_path) / "config.yaml").write_text(text)
    with pytest.raises(UsageError, match="does not describe a streaming Paraformer"):
        load_encoder(tmp_path)
