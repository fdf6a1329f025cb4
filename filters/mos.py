"""How natural it sounds: DNSMOS P.835, which predicts what listeners would say of a recording.

The network hears 9.01 s at once. A shorter clip is repeated until it fills that, as its makers do;
a longer one is heard in windows that overlap by half, where they step by one second. It was
trained on noisy telephone speech: it notices noise and broken signals, not wrong pronunciation,
and it is strict with synthetic speech.

C. K. A. Reddy, V. Gopal, R. Cutler: DNSMOS P.835 (arXiv 2110.01763).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets import weights
from lauter.datasets.audio import Samples
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.filters.onnx import open_session
from lauter.filters.protocol import Sample

SAMPLE_RATE = 16_000
WINDOW = 144_160
"""Samples that the network hears at once: 9.01 s."""
STEP = WINDOW // 2

# What the network says, as a polynomial (highest power first) of what listeners say.
_SIGNAL = (-0.08397278, 1.22083953, 0.0052439)
_BACKGROUND = (-0.13166888, 1.60915514, -0.39604546)
_OVERALL = (-0.06766283, 1.11546468, 0.04602535)


def windows(audio: Samples) -> NDArray[np.float32]:
    """Return 16 kHz ``audio`` as windows ``[windows, 144160]``; the last one ends with it."""
    if len(audio) <= WINDOW:
        return np.resize(audio, WINDOW)[None].astype(np.float32)
    starts = [*range(0, len(audio) - WINDOW, STEP), len(audio) - WINDOW]
    return np.stack([audio[start : start + WINDOW] for start in starts]).astype(np.float32)


class MosScorer:
    """Predicted mean opinion scores, 1 (bad) to 5: overall, of the voice, of the background."""

    name = "mos"
    fields: ClassVar[Sequence[pa.Field]] = (
        described("mos", pa.float64(), "Predicted opinion of the whole, 1 to 5"),
        described("mos_signal", pa.float64(), "Predicted opinion of the voice, 1 to 5"),
        described("mos_background", pa.float64(), "Predicted opinion of the background, 1 to 5"),
    )

    def __init__(self, model: str | Path | None = None) -> None:
        """``model`` is a path to ``sig_bak_ovr.onnx``; None: the packaged one."""
        self._model = model

    def fingerprint(self) -> str:
        """Return the digest of the weights and the windows."""
        digest = weights.fingerprint("dnsmos", self._model)
        return content_id("lauter.mos.v1", {"weights": digest, "step": STEP})

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Predict for each clip, one window at a time: neighbours change nothing."""
        return [self._figures(sample.clip.at(SAMPLE_RATE)) for sample in samples]

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(weights.find("dnsmos", self._model))

    def _figures(self, audio: Samples) -> dict[str, float]:
        heard = [
            self._session.run(None, {"input_1": window[None]})[0][0] for window in windows(audio)
        ]
        signal, background, overall = np.array(heard, dtype=np.float64).T
        return {
            "mos": float(np.polyval(_OVERALL, overall).mean()),
            "mos_signal": float(np.polyval(_SIGNAL, signal).mean()),
            "mos_background": float(np.polyval(_BACKGROUND, background).mean()),
        }
