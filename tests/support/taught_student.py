"""A codec that was never trained, and a student that knows two sentences by heart."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from lauter.datasets.codes import Codes, interleave
from lauter.datasets.layout import COMPACT, Reference, speech_example, speech_prompt
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.checkpoint import save_model
from lauter.student.codec.codec import Codec, open_codec
from lauter.student.codec.condition import Condition, TimbreEncoder
from lauter.student.codec.flow import Flow
from lauter.student.codec.linguistic import LinguisticBook
from lauter.student.codec.semantic import SemanticEncoder
from lauter.student.codec.vocoder import Vocoder
from lauter.student.model import SpeechModel, build
from lauter.student.presets import ModelConfig

SHAPE: Final = ModelConfig(
    vocabulary_size=5440, text_size=272, hidden_size=48, layers=2, heads=6, head_size=8,
    groups=2, ffn_size=96, context=400,
)  # fmt: skip
SPEAKER: Final = "Ada"
TIMBRE: Final = [1.0] + [0.0] * 127


def some_codes(groups: int, seed: int) -> Codes:
    draw = np.random.default_rng(seed)
    return interleave(
        draw.permutation(1024)[: groups * 2].astype(np.int32),
        draw.permutation(4096)[: groups * 3].astype(np.int32),
    )


TAUGHT: Final[Mapping[str, Codes]] = {"one": some_codes(3, 1), "two three": some_codes(5, 2)}
"""What the student has learnt to answer, and to nothing else."""


def write_untrained_codec(folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    book = LinguisticBook(
        np.zeros(512, np.float32),
        np.ones(512, np.float32),
        draw.standard_normal((1024, 512)).astype(np.float32),
    )
    codec = Codec(
        SemanticEncoder(), TimbreEncoder(), Condition(), Flow(), Vocoder(), book
    )  # fmt: skip
    codec.save(folder, {})
    return folder


@cache
def taught_model() -> SpeechModel:
    """Return a model that has learnt ``TAUGHT`` in the voice of ``SPEAKER``, in some seconds."""
    return model_taught_with(None)


def model_taught_with(reference: Reference | None) -> SpeechModel:
    """Return a model that says ``TAUGHT`` going on from a reference; None: as ``SPEAKER``."""
    tokenizer = ByteTokenizer()
    system = SPEAKER if reference is None else ""
    prompts = {
        text: speech_prompt(tokenizer, COMPACT, text, system=system, reference=reference)
        for text in TAUGHT
    }
    examples = [speech_example(prompts[text], COMPACT, codes) for text, codes in TAUGHT.items()]
    ids = torch.cat([torch.from_numpy(example.ids) for example in examples])[None]
    segments = torch.cat(
        [torch.full((len(example.ids),), number) for number, example in enumerate(examples, 1)]
    )[None]
    is_target = torch.cat([torch.from_numpy(example.is_target) for example in examples])
    model = build(SHAPE, seed=1).train()
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(100):
        loss = take_step(model, optimizer, ids, segments, is_target)
    assert loss < 0.05
    return model.eval()


def take_step(
    model: SpeechModel,
    optimizer: torch.optim.Optimizer,
    ids: torch.Tensor,
    segments: torch.Tensor,
    is_target: torch.Tensor,
) -> float:
    """Let a model learn the targets among ids ``[1, length]`` once; return the loss before."""
    places = is_target.nonzero().squeeze(1)
    logits = model.head(model.hidden(ids, segments)[0, places - 1])
    loss = torch.nn.functional.cross_entropy(logits, ids[0, places])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def write_taught_student(
    folder: Path, codec: Path, reference: Reference | None = None, **facts: Any
) -> Path:
    told = {
        "preset": "none",
        "tokenizer_fingerprint": ByteTokenizer().fingerprint(),
        "codec_fingerprint": open_codec(codec).fingerprint,
        "speakers": [SPEAKER],
        "timbres": {SPEAKER: TIMBRE},
    }
    model = model_taught_with(reference) if reference else taught_model()
    save_model(model, folder, told | facts)
    return folder
