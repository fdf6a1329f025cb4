"""Whether it is the same voice: a speaker embedding, held against the speaker's reference.

The encoder is the GE2E network that the package resemblyzer carries (three LSTM layers over 1.6 s
of a 40-band mel spectrogram). Its weights are read with torch; resemblyzer itself is not
imported, for it wants a C build for voice detection. We leave long pauses out by level instead.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from lauter.datasets import weights
from lauter.datasets.audio import Clip, Samples
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.filters import one_voice
from lauter.filters.level import frame_powers
from lauter.filters.mel import mel_power
from lauter.filters.protocol import Sample
from lauter.filters.remembered import Remembered

SAMPLE_RATE = 16_000
WINDOW = 400
HOP = 160
BANDS = 40
PARTIAL_FRAMES = 160
"""Frames that the network hears at once: 1.6 s."""
PARTIAL_STEP = 77
"""Frames from one partial to the next: 1.3 partials a second."""
MIN_COVERAGE = 0.75
"""How much of the last partial must be audio, unless it is the only one."""
LEVEL_DB = -25.0
"""The level of most speech that the network was trained on: raised to -30 dB, never lowered."""
EMBEDDING = 256

_PAUSE_FRAME = 480
_PAUSE_BELOW_DB = 30.0
_PAUSE_KEPT_FRAMES = 6

Embedding = NDArray[np.float32]
"""A voice as a unit vector, float32 ``[256]``; the cosine of two is their dot product."""


class _Encoder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(BANDS, EMBEDDING, num_layers=3, batch_first=True)
        self.linear = torch.nn.Linear(EMBEDDING, EMBEDDING)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Return unit embeddings ``[partials, 256]`` of mels ``[partials, 160, 40]``."""
        _, (hidden, _) = self.lstm(mels)
        return torch.nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)


class SpeakerEncoder:
    """The loaded network, 17 MB. It runs on one thread: the process's torch is set to that."""

    def __init__(self, path: Path) -> None:
        torch.set_num_threads(1)
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        self._network = _Encoder().eval()
        names = self._network.state_dict().keys()
        self._network.load_state_dict({name: checkpoint["model_state"][name] for name in names})

    def embed(self, clips: Sequence[Samples]) -> list[Embedding]:
        """Return the embedding of each clip at 16 kHz: see ``embed_partials``."""
        return [mean_voice(partials) for partials in self.embed_partials(clips)]

    def embed_partials(self, clips: Sequence[Samples]) -> list[NDArray[np.float32]]:
        """Return the embeddings of each clip's partials, unit vectors ``[partials, 256]``.

        All partials go through the network at once. A clip's embeddings change with its
        neighbours by rounding only (below 1e-6).
        """
        partials = [partials_of(prepared(clip)) for clip in clips]
        if not partials:
            return []
        with torch.inference_mode():
            embedded = self._network(torch.from_numpy(np.concatenate(partials))).numpy()
        return np.split(embedded, np.cumsum([len(group) for group in partials])[:-1])


def encoder_fingerprint(model: str | Path | None = None) -> str:
    """Return the digest of what decides an embedding: the weights, and how audio is prepared.

    The mel spectrogram and the length of a partial are what the weights want.
    ``model`` is a path to GE2E weights (None: the packaged ones); they are not loaded.
    """
    settings = [
        PARTIAL_STEP, MIN_COVERAGE, LEVEL_DB, _PAUSE_FRAME, _PAUSE_BELOW_DB, _PAUSE_KEPT_FRAMES,
    ]  # fmt: skip
    return content_id(
        "lauter.speaker.v1",
        {"weights": weights.fingerprint("speaker-encoder", model), "settings": settings},
    )


def mean_voice(voices: NDArray[np.float32]) -> Embedding:
    """Return the mean of unit vectors ``[count, 256]`` as one: a clip's voice from its partials'.

    So is a speaker's from clips, and a song's from its windows.
    """
    mean: Embedding = voices.mean(axis=0)
    unit: Embedding = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return unit


def prepared(audio: Samples) -> Samples:
    """Return 16 kHz audio without its long pauses, at the level the network was trained on."""
    powers = frame_powers(audio, _PAUSE_FRAME)
    loud = powers >= np.percentile(powers, 95) * 10 ** (-_PAUSE_BELOW_DB / 10)
    kept = np.convolve(loud, np.ones(2 * _PAUSE_KEPT_FRAMES + 1), mode="same") > 0
    mask = np.repeat(kept, _PAUSE_FRAME)
    spoken = audio[: len(mask)][mask[: len(audio)]]
    power = float(np.mean(spoken.astype(np.float64) ** 2)) if len(spoken) else 0.0
    gain = np.sqrt(10 ** (LEVEL_DB / 10) / power) if power > 0.0 else 1.0
    return (spoken * gain).astype(np.float32)


def partials_of(audio: Samples) -> NDArray[np.float32]:
    """Return overlapping mel spectrograms ``[partials, 160, 40]`` that cover 16 kHz ``audio``."""
    frames = len(audio) // HOP + 1
    starts = list(range(0, max(1, frames - PARTIAL_FRAMES + PARTIAL_STEP + 1), PARTIAL_STEP))
    if len(starts) > 1 and frames - starts[-1] < MIN_COVERAGE * PARTIAL_FRAMES:
        starts.pop()
    needed = (starts[-1] + PARTIAL_FRAMES) * HOP
    padded = np.pad(audio, (0, max(0, needed - len(audio))))
    mel = mel_power(padded, SAMPLE_RATE, window=WINDOW, hop=HOP, bands=BANDS)
    return np.stack([mel[start : start + PARTIAL_FRAMES] for start in starts])


class SpeakerScorer:
    """Cosine to the speaker's reference, where there is one, and of the utterance's own parts."""

    name = "speaker"
    fields: ClassVar[Sequence[pa.Field]] = (
        described(
            "speaker_similarity", pa.float64(), "Cosine of the voice to the speaker's reference"
        ),
        described(
            "speaker_embedding", pa.list_(pa.float16(), EMBEDDING), "The voice as a unit vector"
        ),
        described(
            "voice_consistency",
            pa.float64(),
            "How alike the parts of the utterance sound: the least decile of their cosines",
        ),
    )

    def __init__(self, model: str | Path | None = None, references: int = 1024) -> None:
        """``model`` is a path to GE2E weights (None: the packaged ones).

        The embeddings of the ``references`` used last are remembered.
        """
        self._model = model
        self._references = Remembered(self._embedded, capacity=references)

    def fingerprint(self) -> str:
        """Return the digest of the encoder and of how an utterance's own parts are compared."""
        return content_id(
            "lauter.speaker.v2",
            {"encoder": encoder_fingerprint(self._model), "consistency": one_voice.SETTINGS},
        )

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Embed all clips together and compare each with its reference, and with itself."""
        heard = self._encoder.embed_partials([sample.clip.at(SAMPLE_RATE) for sample in samples])
        embeddings = [mean_voice(partials) for partials in heard]
        return [
            {
                "speaker_similarity": (
                    None
                    if sample.reference is None
                    else float(embedding @ self._references.of(sample.reference))
                ),
                "speaker_embedding": embedding.astype(np.float16),
                "voice_consistency": one_voice.voice_consistency(partials),
            }
            for sample, embedding, partials in zip(samples, embeddings, heard, strict=True)
        ]

    @cached_property
    def _encoder(self) -> SpeakerEncoder:
        return SpeakerEncoder(weights.find("speaker-encoder", self._model))

    def _embedded(self, clip: Clip) -> Embedding:
        return self._encoder.embed([clip.at(SAMPLE_RATE)])[0]
