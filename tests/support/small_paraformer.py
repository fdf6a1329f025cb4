"""A Paraformer folder as it is released, but small, with weights that a formula makes."""

from pathlib import Path
from typing import Any

import torch
import yaml

from lauter.student.codec.paraformer import Encoder, Shape

SHAPE = Shape(hidden=16, heads=2, ffn=24, layers=3)


def with_known_weights(encoder: Encoder) -> Encoder:
    """Fill in weights that a formula makes, so that FunASR could be given the same."""
    weights = {}
    for number, (name, old) in enumerate(sorted(encoder.state_dict().items())):
        steps = torch.arange(old.numel(), dtype=torch.float64) ** 1.5 + number
        weights[name] = (torch.sin(steps) * 0.6).reshape(old.shape).float()
    encoder.load_state_dict(weights)
    return encoder.eval()


def known_features(frames: int) -> torch.Tensor:
    steps = torch.arange(frames * 560, dtype=torch.float64)
    return torch.cos((steps / 7) ** 2).reshape(1, frames, 560).float()


ENCODER = with_known_weights(Encoder(SHAPE))


def write_folder(folder: Path, encoder: Encoder = ENCODER, shape: Shape = SHAPE) -> Path:
    """Write a Paraformer folder as it is released, but small."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"encoder.{name}": weight for name, weight in encoder.state_dict().items()}
    torch.save({**weights, "decoder.embed.weight": torch.zeros(2)}, folder / "model.pt")
    write_configuration(folder, shape)
    return folder


def write_configuration(folder: Path, shape: Shape = SHAPE, **front_end: Any) -> None:
    told = {
        "model": "ParaformerStreaming",
        "encoder_conf": {
            "output_size": shape.hidden,
            "attention_heads": shape.heads,
            "linear_units": shape.ffn,
            "num_blocks": shape.layers,
            "kernel_size": shape.kernel,
            "sanm_shfit": 0,
        },
        "frontend_conf": {"fs": 16000, "n_mels": 80, "lfr_m": 7, "lfr_n": 6} | front_end,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(told))
