"""Kokoro-82M through ONNX Runtime: phonemes and a style in, 24 kHz speech out.

One thread, so that the same phonemes and style give the same samples to the bit, whatever runs
beside. What is longer than the model reads at once is cut at its punctuation and joined again
with the pauses that a speaker would make there.
"""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.teacher.silence import trimmed
from lauter.teacher.studio.voices import Pack

SAMPLE_RATE = 24_000
"""Hz."""

MAX_PHONEMES = 400
"""Kokoro reads 510; above some 400 it hurries."""

_SENTENCE_PAUSE_S = 0.30
_CLAUSE_PAUSE_S = 0.15

# Where a long text may be cut, best first, and the pause each leaves; a space leaves none.
_CUTS = (
    (re.compile(r"(?<=[.!?…])[”)]* "), _SENTENCE_PAUSE_S),
    (re.compile(r"(?<=[,;:—])[”)]* "), _CLAUSE_PAUSE_S),
    (re.compile(r" "), 0.0),
)


class Kokoro:
    """The loaded model; about 90 MB of weights, half a second to open."""

    def __init__(self, model: Path, vocabulary: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._ids: dict[str, int] = json.loads(vocabulary.read_text())["vocab"]

    def speak(self, phonemes: str, pack: Pack, speed: float = 1.0) -> Samples:
        """Return ``phonemes`` as spoken by ``pack``, float32 ``[samples]`` at 24 kHz.

        Silence at both ends is cut to 50 ms. Raises ``UsageError`` for a phoneme that Kokoro
        does not know.
        """
        unknown = "".join(sorted(set(phonemes) - self._ids.keys()))
        if unknown:
            raise UsageError(
                f"the text gives the sounds '{unknown}', which Kokoro does not know; "
                "rewrite the word that has them"
            )
        pieces = []
        for piece, pause_s in split(phonemes, MAX_PHONEMES):
            spoken = trimmed(self._run(piece, pack, speed), SAMPLE_RATE)
            pause = np.zeros(round(pause_s / speed * SAMPLE_RATE), dtype=np.float32)
            pieces += [spoken, pause]
        return np.concatenate(pieces[:-1])

    def _run(self, phonemes: str, pack: Pack, speed: float) -> Samples:
        ids = [self._ids[phoneme] for phoneme in phonemes]
        style = pack[min(len(ids), len(pack)) - 1]
        spoken = self._session.run(
            None,
            {
                "tokens": np.array([[0, *ids, 0]], dtype=np.int64),
                "style": style[None, :],
                "speed": np.array([speed], dtype=np.float32),
            },
        )[0]
        return np.asarray(spoken, dtype=np.float32).ravel()


def split(phonemes: str, limit: int) -> list[tuple[str, float]]:
    """Return pieces of at most ``limit`` phonemes, each with the pause in seconds that follows.

    Cuts at ends of sentences where that suffices, else at clauses, else between words, else
    anywhere; pieces are about equally long, for a short rest would be spoken in another tone.
    Only the spaces at the cuts are lost.
    """
    if len(phonemes) <= limit:
        return [(phonemes, 0.0)]
    cut, pause_s = _best_cut(phonemes, margin=limit // 8)
    first = split(phonemes[:cut].rstrip(), limit)
    first[-1] = (first[-1][0], pause_s)
    return first + split(phonemes[cut:].lstrip(), limit)


def _best_cut(phonemes: str, margin: int) -> tuple[int, float]:
    middle = len(phonemes) // 2
    for pattern, pause_s in _CUTS:
        cuts = [found.end() for found in pattern.finditer(phonemes)]
        inside = [cut for cut in cuts if margin <= cut <= len(phonemes) - margin]
        if inside:
            return min(inside, key=lambda cut: abs(cut - middle)), pause_s
    return middle, 0.0
