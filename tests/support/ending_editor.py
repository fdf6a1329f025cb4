"""A student that edits: whatever it hears and is asked for, it says the same codes, and ends.

What `lauter distill` makes in a test's time finds no end; this one has really learnt to.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from taught_student import SHAPE, some_codes, take_step

from lauter.datasets.edits import edit_named
from lauter.datasets.layout import COMPACT, Reference, edit_words, speech_example, speech_prompt
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.checkpoint import save_model
from lauter.student.codec.codec import open_codec
from lauter.student.facts import EDITS
from lauter.student.model import SpeechModel, build

SAID: Final = some_codes(4, 7)
"""0.48 seconds, of codes that come once each."""


def write_ending_editor(folder: Path, edits: list[str]) -> Path:
    """Write the student's folder, for the codec that comes with Lauter."""
    facts = {
        "preset": "none",
        "tokenizer_fingerprint": ByteTokenizer().fingerprint(),
        "codec_fingerprint": open_codec().fingerprint,
        EDITS: edits,
    }
    save_model(_taught(edits), folder, facts)
    return folder


def _taught(edits: list[str]) -> SpeechModel:
    tokenizer, draw = ByteTokenizer(), np.random.default_rng(0)
    model = build(SHAPE, seed=1).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2, weight_decay=0.0)
    for _ in range(100):
        text = bytes(draw.integers(97, 123, draw.integers(4, 16))).decode()
        heard = some_codes(int(draw.integers(4, 20)), int(draw.integers(1 << 30)))
        words = edit_words(edit_named(str(draw.choice(edits)))) + text
        source = Reference(text, heard, "the source")
        prompt = speech_prompt(tokenizer, COMPACT, words, system="", reference=source)
        example = speech_example(prompt, COMPACT, SAID)
        ids = torch.from_numpy(example.ids)[None]
        is_target = torch.from_numpy(example.is_target)
        loss = take_step(model, optimizer, ids, torch.ones_like(ids), is_target)
    assert loss < 0.05
    return model.eval()
