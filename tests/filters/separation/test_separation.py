"""Separators: the packaged networks, exported ones, and signal processing, on known voices."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from song_material import si_sdr_db, spoken_line

from lauter.datasets import weights
from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.filters.separation import ExportedSeparator, SignalSeparator, SpleeterSeparator
from lauter.filters.separation.signal import repeating_part
from lauter.filters.separation.tensorflow_checkpoint import read_checkpoint
from lauter.teacher.song import Backing, accompaniment

RATE = 24_000


@pytest.fixture(scope="module")
def voice() -> Samples:
    """Real speech of the fast teacher, 5 s."""
    spoken = spoken_line("The river runs down to the open sea, and I walk along with it.")
    return np.pad(spoken.samples, (0, max(0, 5 * RATE - len(spoken.samples))))[: 5 * RATE]


@pytest.fixture(scope="module")
def band() -> Samples:
    return accompaniment(Backing(100, 220.0), 3, RATE)[: 5 * RATE]


def at_level(voice: Samples, band: Samples, voice_over_band_db: float) -> Samples:
    gain = np.sqrt(np.mean(voice**2) / np.mean(band**2)) * 10 ** (-voice_over_band_db / 20)
    return (voice + gain * band).astype(np.float32)


def test_the_packaged_networks_hold_what_the_architecture_needs() -> None:
    folder = weights.find("spleeter")
    tensors = read_checkpoint(folder / "model.index", folder / "model.data-00000-of-00001")
    assert tensors["conv2d/kernel"].shape == (5, 5, 2, 16)
    assert tensors["conv2d_transpose_6/kernel"].shape == (5, 5, 256, 512)
    # Two U-Nets, each with 13 convolutions (kernel, bias) and 12 normalisations of four tensors.
    layers = {name: one for name, one in tensors.items() if "conv" in name or "batch" in name}
    assert len(layers) == 2 * (13 * 2 + 12 * 4)
    assert all(np.isfinite(one).all() for one in layers.values())


@pytest.mark.parametrize("cut", [0, 40, 3000])
def test_what_is_no_checkpoint_is_one_sentence(tmp_path: Path, cut: int) -> None:
    folder = weights.find("spleeter")
    index = tmp_path / "model.index"
    index.write_bytes((folder / "model.index").read_bytes()[:cut])
    with pytest.raises(UsageError, match="is no index of a TensorFlow checkpoint"):
        read_checkpoint(index, folder / "model.data-00000-of-00001")


def test_spleeter_leaves_a_voice_alone_and_a_band_out(voice: Samples, band: Samples) -> None:
    separator = SpleeterSeparator()
    assert si_sdr_db(separator.voice(voice, RATE), voice) > 20
    heard = separator.voice(band, RATE)
    assert 10 * np.log10(np.mean(heard**2) / np.mean(band**2)) < -10


@pytest.mark.parametrize("level_db", [0.0, -6.0])
def test_spleeter_takes_the_voice_out_of_a_song(
    voice: Samples, band: Samples, level_db: float
) -> None:
    song = at_level(voice, band, level_db)
    found = SpleeterSeparator().voice(song, RATE)
    assert found.shape == song.shape and found.dtype == np.float32
    assert si_sdr_db(found, voice) - si_sdr_db(song, voice) > 6


def test_the_level_of_a_song_does_not_matter(voice: Samples, band: Samples) -> None:
    song = at_level(voice, band, 0.0)
    loud, soft = (SpleeterSeparator().voice(song * gain, RATE) / gain for gain in (1.0, 0.02))
    assert np.allclose(loud, soft, atol=2e-3)


def test_silence_stays_silence() -> None:
    for separator in (SpleeterSeparator(), SignalSeparator()):
        assert not np.any(np.abs(separator.voice(np.zeros(RATE, np.float32), RATE)) > 1e-4)


def test_signal_processing_gains_where_the_band_is_loud(voice: Samples) -> None:
    band = accompaniment(Backing(100, 220.0), 8, RATE)
    whole = np.zeros(len(band), np.float32)
    whole[4 * RATE : 4 * RATE + len(voice)] = voice
    song = at_level(whole, band, -6.0)
    found = SignalSeparator().voice(song, RATE)
    assert found.shape == song.shape
    assert si_sdr_db(found, whole) - si_sdr_db(song, whole) > 2


def test_what_repeats_is_accompaniment() -> None:
    random = np.random.default_rng(0)
    bar = random.random((40, 30))
    song = np.tile(bar, (1, 40))
    alone = song.copy()
    alone[10:13, 600:615] += 1.0
    assert np.allclose(repeating_part(alone)[:, 600:615], song[:, 600:615], atol=1e-9)


class _TwoSources(torch.nn.Module):
    """A stand-in with the shape of Demucs': half of the song is one source, half the other."""

    def forward(self, piece: torch.Tensor) -> torch.Tensor:
        return torch.stack([0.25 * piece, 0.75 * piece], dim=1)


def _as_torchscript(path: Path) -> Path:
    torch.jit.trace(_TwoSources(), torch.zeros(1, 2, 100)).save(str(path))
    return path


def _as_onnx(path: Path) -> Path:
    shape = [1, 2, "samples"]
    given = helper.make_tensor_value_info("piece", TensorProto.FLOAT, shape)
    made = helper.make_tensor_value_info("sources", TensorProto.FLOAT, [1, 2, 2, "samples"])
    shares = helper.make_tensor("shares", TensorProto.FLOAT, [1, 2, 1, 1], [0.25, 0.75])
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(
        [
            helper.make_node("Unsqueeze", ["piece", "axis"], ["one"]),
            helper.make_node("Mul", ["one", "shares"], ["sources"]),
        ],
        "two sources",
        [given],
        [made],
        [shares, axis],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(
    ("write", "name"), [(_as_torchscript, "network.pt"), (_as_onnx, "network.onnx")]
)
def test_an_exported_network_separates_in_pieces_that_leave_no_seam(
    tmp_path: Path, voice: Samples, write: Callable[[Path], Path], name: str
) -> None:
    model = write(tmp_path / name)
    song = voice - voice.mean()
    separator = ExportedSeparator(model, source=1, segment_s=0.7, sample_rate=RATE)
    found = separator.voice(song, RATE)
    assert np.allclose(found, 0.75 * song, atol=1e-5)
    assert separator.fingerprint() != ExportedSeparator(model, source=0).fingerprint()


def test_a_network_that_gives_something_else_is_one_sentence(tmp_path: Path) -> None:
    model = _as_onnx(tmp_path / "network.onnx")
    with pytest.raises(UsageError, match=r"gives \[1, 2, 2, 2400\] for a piece of 2400 samples"):
        ExportedSeparator(model, segment_s=0.1, sample_rate=RATE).voice(
            np.ones(RATE, np.float32), RATE
        )
    with pytest.raises(UsageError, match="is no exported network here"):
        ExportedSeparator(tmp_path / "none.onnx")
