"""A student in the published vocabulary that has learnt to say one thing to whoever asks."""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from taught_student import some_codes

from lauter.datasets.layout import END, STEP_AUDIO
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.checkpoint import save_model
from lauter.student.codec.codec import open_codec
from lauter.student.model import SpeechModel, build
from lauter.student.presets import ModelConfig

SHAPE: Final = ModelConfig(
    vocabulary_size=STEP_AUDIO.size, text_size=STEP_AUDIO.text_size, hidden_size=48, layers=1,
    heads=6, head_size=8, groups=2, ffn_size=96, context=2048,
)  # fmt: skip
SAID: Final = some_codes(20, 5)
"""2.4 seconds of codes, each of which comes once: the next one follows from the last alone."""


@cache
def parrot() -> SpeechModel:
    """Return a model that says ``SAID`` after a turn that begins like every assistant's."""
    begins = _begin_ids()
    said = [*STEP_AUDIO.ids_of(SAID).tolist(), END]
    draw = np.random.default_rng(0)
    model = build(SHAPE, seed=1).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2, weight_decay=0.0)
    places = torch.arange(len(said))
    for _ in range(60):
        before = draw.integers(300, 60_000, draw.integers(5, 40)).tolist()
        ids = torch.tensor([[*before, *begins, *said]])
        first = len(before) + len(begins)
        logits = model.head(model.hidden(ids, torch.ones_like(ids))[0, first - 1 + places])
        loss = torch.nn.functional.cross_entropy(logits, ids[0, first + places])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5
    return model.eval()


def _begin_ids() -> list[int]:
    """The ids before every answer, as the small tokenizer of the tests writes them."""
    from small_sentencepiece import KEPT

    from lauter.datasets.layout import BEGIN
    from lauter.teacher.step_audio.sentencepiece_tokenizer import SentencePieceTokenizer

    return [BEGIN, *SentencePieceTokenizer.read(KEPT).encode("assistant\n")]


def write_parrot(folder: Path, codec: Path) -> Path:
    """Write the student's folder, with the fingerprint of a codec."""
    facts = {
        "preset": "none",
        "tokenizer_fingerprint": ByteTokenizer().fingerprint(),
        "codec_fingerprint": open_codec(codec).fingerprint,
        "speakers": ["Ada"],
        "timbres": {"Ada": [1.0] + [0.0] * 127},
    }
    save_model(parrot(), folder, facts)
    return folder
