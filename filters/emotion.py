"""What emotion a classifier hears, where there is one: none comes with Lauter.

Any ONNX export that takes 16 kHz audio ``[1, samples]`` and gives a number for each of its emotions
``[1, emotions]`` will do, as those of wav2vec2 or emotion2vec are. What its outputs mean is told by
``labels``, in our words where they are ours. Unlike the margins (``prosody.py``) it has its own
idea of what an emotion sounds like, which is what an independent judge of edits is wanted for.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pyarrow as pa
from scipy.special import softmax

from lauter.datasets import weights
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.filters.onnx import open_session
from lauter.filters.protocol import Sample

SAMPLE_RATE = 16_000


class EmotionScorer:
    """The emotion heard, and how probable the asked-for one is; null where it is not a label."""

    name = "emotion"
    fields: ClassVar[Sequence[pa.Field]] = (
        described("emotion_heard", pa.string(), "The likeliest emotion, in the classifier's word"),
        described(
            "emotion_probability", pa.float64(), "How probable the emotion is that was asked for"
        ),
    )

    def __init__(self, model: str | Path | None, labels: Sequence[str]) -> None:
        """``model`` is the classifier's ONNX file, ``labels`` the words of its outputs in order."""
        if model is None or not Path(model).is_file():
            place = "" if model is None else f" at {model}"
            raise UsageError(
                f"there is no emotion classifier{place}; set filters.emotion_model to an ONNX "
                "file, or choose filters=default, which goes without"
            )
        self._model = Path(model)
        self._labels = list(labels)

    def fingerprint(self) -> str:
        """Return the digest of the weights and of what the outputs mean."""
        return content_id(
            "lauter.emotion.v1",
            {"weights": weights.sha256_of(self._model), "labels": self._labels},
        )

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Classify each utterance by itself: neighbours change nothing."""
        return [self._figures(sample) for sample in samples]

    def _figures(self, sample: Sample) -> dict[str, Any]:
        session = self._session
        audio = sample.clip.at(SAMPLE_RATE)[None].astype(np.float32)
        (outputs, *_) = session.run(None, {session.get_inputs()[0].name: audio})
        probabilities = softmax(np.asarray(outputs, np.float64).reshape(-1))
        if len(probabilities) != len(self._labels):
            raise UsageError(
                f"the emotion classifier {self._model} has {len(probabilities)} outputs, and "
                f"filters.emotion_labels {len(self._labels)}; name each output"
            )
        asked = sample.request.prompt.emotion
        known = dict(zip(self._labels, probabilities.tolist(), strict=True))
        return {
            "emotion_heard": self._labels[int(probabilities.argmax())],
            "emotion_probability": known.get(asked),
        }

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(self._model)
