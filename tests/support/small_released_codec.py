"""A Step-Audio-Tokenizer folder as it is released, but small."""

import warnings
from pathlib import Path

import numpy as np
import torch
from small_paraformer import ENCODER, write_folder
from torch import Tensor, nn

PARAFORMER = "dengcunqin/speech_paraformer-large-online"


def write_released(place: Path) -> Path:
    """Write all files of the release into a folder, and return it."""
    place.mkdir(exist_ok=True)
    with torch.inference_mode():
        hidden = ENCODER(torch.randn(1, 1024, 560, generator=torch.Generator().manual_seed(0)))
    np.save(place / "linguistic_tokenizer.npy", hidden[0].numpy())
    write_semantic(place / "speech_tokenizer_v1.onnx")
    write_folder(place / PARAFORMER)
    row = " ".join(["{}"] * 560)
    (place / PARAFORMER / "am.mvn").write_text(
        f"<AddShift> 560 560\n<LearnRateCoef> 0 [ {row.format(*[-8.0] * 560)} ]\n"
        f"<Rescale> 560 560\n<LearnRateCoef> 0 [ {row.format(*[0.2] * 560)} ]\n"
    )
    return place


class SmallSemantic(nn.Module):
    """Takes and gives what ``speech_tokenizer_v1.onnx`` does: an entry of 4096 each 40 ms."""

    def __init__(self, bands: int, stride: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv1d(bands, 8, 3, stride=stride, padding=1)
        self.second = nn.Conv1d(8, 4096, 3, stride=2, padding=1)

    def forward(self, feats: Tensor, feats_length: Tensor) -> Tensor:
        heard = torch.arange(feats.shape[2]) < feats_length[:, None]
        entries = self.second(torch.relu(self.first(feats * heard[:, None]))).argmax(dim=1)
        return entries.to(torch.int32)


def write_semantic(path: Path, bands: int = 128, stride: int = 2) -> None:
    """Write a graph; with other bands or another stride it is not the release's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            SmallSemantic(bands, stride),
            (torch.zeros(1, bands, 40), torch.tensor([40], dtype=torch.int32)),
            path,
            input_names=["feats", "feats_length"],
            output_names=["indices"],
            dynamic_axes={"feats": {2: "T"}, "indices": {1: "codes"}},
            dynamo=False,
        )
