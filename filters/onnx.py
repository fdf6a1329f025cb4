"""ONNX models on one thread: the same input gives the same figures, whatever runs beside."""

from pathlib import Path

import onnxruntime


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """Return a session of ``model`` on the CPU, with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
