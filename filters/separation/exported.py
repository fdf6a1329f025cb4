"""A separator that somebody exported to a file: Demucs, or any network of its kind.

The file is TorchScript (``.pt``) or ONNX (``.onnx``). It takes a piece of a song as float32
``[1, channels, samples]`` and gives ``[1, sources, channels, samples]``, as Demucs does
(A. Défossez, Hybrid spectrogram and waveform source separation, 2021): ``demucs-onnx`` and
``torch.jit.trace`` of the published models write such files. Demucs itself is not a dependency,
since it wants torchaudio, whose build on PyPI is for CUDA alone.

The song goes through in pieces that overlap by a quarter and are faded into each other. Each piece
is centred and scaled by the whole song's mean and deviation, as Demucs' own ``apply`` has it.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from lauter.datasets.audio import Samples, resample
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.weights import sha256_of
from lauter.filters.onnx import open_session
from lauter.filters.separation.protocol import as_long_as

_OVERLAP = 0.25

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class ExportedSeparator:
    """The network in the file ``model``; the defaults are those of the published ``htdemucs``.

    ``source`` is the place of the voice among the ``sources`` that it gives, ``segment_s`` the
    length of a piece in seconds, ``sample_rate`` (Hz) and ``channels`` what it takes.
    """

    name = "exported"

    def __init__(
        self,
        model: str | Path | None,
        source: int = 3,
        segment_s: float = 7.8,
        sample_rate: int = 44_100,
        channels: int = 2,
    ) -> None:
        self._model = Path(model or "")
        if self._model.suffix not in (".pt", ".onnx") or not self._model.is_file():
            raise UsageError(
                f"separator.model is {model}, which is no exported network here; name a file of "
                "TorchScript (.pt) or ONNX (.onnx), or choose separator=spleeter"
            )
        self._source = source
        self._segment_s = segment_s
        self._sample_rate = sample_rate
        self._channels = channels

    def fingerprint(self) -> str:
        """Return the digest of the file and of how it is used."""
        return content_id(
            "lauter.exported-separator.v1",
            {
                "file": sha256_of(self._model),
                "source": self._source,
                "segment_s": float(self._segment_s),
                "sample_rate": self._sample_rate,
                "channels": self._channels,
                "overlap": _OVERLAP,
            },
        )

    def voice(self, song: Samples, sample_rate: int) -> Samples:
        """Return the voice of ``song``; raises ``UsageError`` where the network gives no such."""
        heard = resample(song, sample_rate, self._sample_rate)
        mean, deviation = float(heard.mean()), float(heard.std()) or 1.0
        found = (self._pieced((heard - mean) / deviation) * deviation).astype(np.float32)
        voice = resample(found, self._sample_rate, sample_rate)
        return as_long_as(voice, song)

    def _pieced(self, song: Samples) -> NDArray[np.float64]:
        size = round(self._segment_s * self._sample_rate)
        step = round(size * (1 - _OVERLAP))
        fade = np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1)) / size
        total = np.zeros(len(song) + size)
        weight = np.zeros(len(song) + size)
        for start in range(0, len(song), step):
            piece = np.zeros(size, np.float32)
            part = song[start : start + size]
            piece[: len(part)] = part
            total[start : start + size] += self._voice_of(piece) * fade
            weight[start : start + size] += fade
        voice: NDArray[np.float64] = total[: len(song)] / weight[: len(song)]
        return voice

    def _voice_of(self, piece: Samples) -> Samples:
        given = self._run(np.repeat(piece[None, None], self._channels, axis=1))
        fits = given.ndim == 4 and given.shape[1] > self._source and given.shape[3] == len(piece)
        if not fits:
            raise UsageError(
                f"the network {self._model} gives {list(given.shape)} for a piece of {len(piece)} "
                f"samples, and not [1, sources, channels, {len(piece)}] with a source "
                f"{self._source}; correct separator.source and separator.segment_s"
            )
        voice: Samples = given[0, self._source].mean(axis=0)
        return voice

    @cached_property
    def _run(self) -> Run:
        if self._model.suffix == ".onnx":
            session: onnxruntime.InferenceSession = open_session(self._model)
            name = session.get_inputs()[0].name
            return lambda piece: np.asarray(session.run(None, {name: piece})[0])
        torch.set_num_threads(1)
        network = torch.jit.load(str(self._model), map_location="cpu")  # type: ignore[no-untyped-call]
        network.eval()

        def run(piece: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                given: NDArray[np.float32] = network(torch.from_numpy(piece)).numpy()
            return given

        return run
