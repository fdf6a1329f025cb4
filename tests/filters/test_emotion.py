"""A classifier of emotions: whatever ONNX file is brought, its outputs are read by their labels.

No trained one can be had here; the one of this test is a real ONNX network that hears loudness.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from studio_clips import sample_of, studio_clips

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.filters.emotion import EmotionScorer
from lauter.filters.protocol import Sample

LABELS = ["anger", "neutral", "boredom"]


@pytest.fixture(scope="module")
def loudness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Loud speech is anger, soft speech boredom."""
    weights = np.array([[40.0, 0.0, -40.0]], np.float32)
    offset = np.array([-2.0, 0.0, 2.0], np.float32)
    nodes = [
        helper.make_node("Abs", ["audio"], ["size"]),
        helper.make_node("ReduceMean", ["size", "axes"], ["mean"], keepdims=1),
        helper.make_node("MatMul", ["mean", "weights"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "loudness",
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, [1, "samples"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [
            onnx.numpy_helper.from_array(weights, "weights"),
            onnx.numpy_helper.from_array(offset, "offset"),
            onnx.numpy_helper.from_array(np.array([1], np.int64), "axes"),
        ],
    )
    path = tmp_path_factory.mktemp("classifier") / "loudness.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path))
    return path


def at(gain: float, emotion: str) -> Sample:
    clip = studio_clips()[0].clip
    sample = sample_of(Clip.of((clip.samples * gain).astype(np.float32), clip.sample_rate))
    prompt = replace(
        sample.request.prompt, emotion=emotion, emotion_level=int(emotion != "neutral")
    )
    return replace(sample, request=replace(sample.request, prompt=prompt))


def test_what_is_heard_and_how_probable_the_asked_emotion_is(loudness: Path) -> None:
    scorer = EmotionScorer(loudness, LABELS)
    loud, soft = scorer.score([at(3.0, "anger"), at(0.05, "anger")])
    assert not isinstance(loud, Exception) and not isinstance(soft, Exception)
    assert (loud["emotion_heard"], soft["emotion_heard"]) == ("anger", "boredom")
    assert loud["emotion_probability"] > 0.5 > soft["emotion_probability"] > 0


def test_an_emotion_that_is_no_label_is_not_applicable(loudness: Path) -> None:
    (figures,) = EmotionScorer(loudness, LABELS).score([at(1.0, "cute")])
    assert not isinstance(figures, Exception)
    assert figures["emotion_probability"] is None
    assert figures["emotion_heard"] in LABELS


def test_labels_and_weights_decide_the_fingerprint(loudness: Path) -> None:
    first = EmotionScorer(loudness, LABELS).fingerprint()
    assert first == EmotionScorer(str(loudness), list(LABELS)).fingerprint()
    assert first != EmotionScorer(loudness, LABELS[::-1]).fingerprint()


def test_labels_that_are_too_few_are_told(loudness: Path) -> None:
    with pytest.raises(UsageError, match="has 3 outputs, and filters"):
        EmotionScorer(loudness, LABELS[:2]).score([at(1.0, "anger")])


@pytest.mark.parametrize("model", [None, "nowhere.onnx"])
def test_without_a_classifier_there_is_a_sentence(model: str | None) -> None:
    with pytest.raises(UsageError, match=r"there is no emotion classifier.*emotion_model"):
        EmotionScorer(model, LABELS)
