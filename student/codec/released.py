"""The released codec: codes of a Step-Audio-Tokenizer folder, as Step-Audio's own models have them.

The folder is taken as it was fetched (stepfun-ai/Step-Audio-Tokenizer):

- ``linguistic_tokenizer.npy``: the 1024 centroids, ``[1024, 512]``
- ``speech_tokenizer_v1.onnx``: the semantic encoder, ``feats [1, 128, frames]`` and
  ``feats_length [1]`` to one entry each 40 ms
- ``dengcunqin/speech_paraformer-…-online/``: ``am.mvn``, ``config.yaml``, ``model.pt``. Its encoder
  is turned into a graph once (``paraformer.py``). Whoever has one already lays it into the folder
  as ``linguistic_encoder.onnx``: ``feats [1, frames, 560]`` to ``hidden [1, frames, 512]``.

What differs from the release: no noise is added, so a file has the same codes each time; the
resampler is ours (soxr); nothing waits for a lock, since a session on one thread may be used by
many threads at once. Clips are never padded to a common length: each goes through the graphs by
itself, and several at a time, so its codes are the same to the bit whatever its neighbours. As
where the release's tokenizer is called, silence at the ends is kept (its cloning cuts it off
first), and what fills no group of 120 ms at the end has no codes; but a clip shorter than a group
is filled up with silence to one, so that none is without codes.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lauter.datasets.audio import Samples, resample
from lauter.datasets.codes import GROUP_MS, LINGUISTIC_ENTRIES, Codes, Entries, interleave
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.weights import sha256_of
from lauter.student.codec import kaldi_features, paraformer, whisper_features

CENTROIDS: Final = "linguistic_tokenizer.npy"
SEMANTIC: Final = "speech_tokenizer_v1.onnx"
LINGUISTIC: Final = "linguistic_encoder.onnx"
STATISTICS: Final = "am.mvn"

_SAMPLE_RATE = 16_000
_GROUP = _SAMPLE_RATE * GROUP_MS // 1000
_LONGEST = 30 * _SAMPLE_RATE
_SHORTEST = 480
"""Samples that the semantic encoder takes at once, at most and at least."""
_LOUDEST = 0.999
_QUIETEST_PEAK = 0.01

_SEMANTIC_INPUTS = (("float", (1, whisper_features.BANDS, None)), ("int32", (1,)))
_LINGUISTIC_INPUTS = (("float", (1, None, kaldi_features.FEATURES)),)

Inputs = Sequence[tuple[str, tuple[int | None, ...]]]


class ReleasedCodec:
    """Encodes speech; made by ``open_released``. It has no decoder: the release's stands apart."""

    sample_rate: Final = 24_000

    def __init__(
        self,
        linguistic: onnxruntime.InferenceSession,
        normalisation: kaldi_features.Normalisation,
        centroids: NDArray[np.float32],
        semantic: onnxruntime.InferenceSession,
        fingerprint: str,
        threads: int,
    ) -> None:
        self.fingerprint = fingerprint
        self._linguistic = linguistic
        self._normalisation = normalisation
        # In 64 bits, so that how many threads share a product decides no entry.
        self._centroids = centroids.astype(np.float64)
        self._half_norms = (self._centroids**2).sum(axis=1) / 2
        self._semantic = semantic
        self._threads = threads

    def encode(self, clips: Sequence[Samples], sample_rates: Sequence[int]) -> list[Codes]:
        """Return the codes of each clip, one group at least.

        ``sample_rates`` are in Hz, one for each clip. Raises ``UsageError`` for an empty clip.
        """
        for number, clip in enumerate(clips):
            if not len(clip):
                raise UsageError(f"clip {number} is empty: there is nothing to encode")
        pairs = list(zip(clips, sample_rates, strict=True))
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(self._encode, pairs))

    def timbre(self, clip: Samples, sample_rate: int) -> NoReturn:
        """Raise ``UsageError``: timbres belong to the decoder, which is not here."""
        raise UsageError(_NO_DECODER)

    def decode(self, codes: Sequence[Codes], timbres: Sequence[Any], *, seed: int = 0) -> NoReturn:
        """Raise ``UsageError``: the decoder is not here."""
        raise UsageError(_NO_DECODER)

    def _encode(self, pair: tuple[Samples, int]) -> Codes:
        clip, sample_rate = pair
        samples = resample(clip, sample_rate, _SAMPLE_RATE)
        samples = np.pad(samples, (0, max(_GROUP - len(samples), 0)))
        peak = max(float(np.abs(samples).max()), _QUIETEST_PEAK)
        samples = samples * np.float32(_LOUDEST / peak)
        return interleave(self._linguistic_entries(samples), self._semantic_entries(samples))

    def _linguistic_entries(self, samples: Samples) -> Entries:
        banks = kaldi_features.log_mel_banks(samples)
        features = self._normalisation(kaldi_features.stacked(banks, len(samples)))
        hidden = _run(self._linguistic, features[None])[0]
        # Nearest is where |c|²/2 - xc is least: |x|² is the same for all.
        distances = self._half_norms - hidden @ self._centroids.T
        return np.asarray(distances.argmin(axis=1), np.int32)

    def _semantic_entries(self, samples: Samples) -> Entries:
        found = [np.empty(0, np.int32)]
        for start in range(0, len(samples), _LONGEST):
            part = samples[start : start + _LONGEST]
            if len(part) >= _SHORTEST:
                mel = whisper_features.log_mel(part)[None]
                length = np.asarray([mel.shape[2]], np.int32)
                found.append(_run(self._semantic, mel, length).reshape(-1).astype(np.int32))
        return np.concatenate(found)


_NO_DECODER = (
    "the released codec only encodes: its flow decoder and vocoder are part of Step-Audio-TTS-3B "
    "(CosyVoice-300M-25Hz) and are not built in; decode with Step-Audio's own code, or use the "
    "codec that ships with Lauter for both directions"
)


def open_released(folder: str | Path, *, threads: int | None = None) -> ReleasedCodec:
    """Return the codec of a Step-Audio-Tokenizer folder.

    ``threads`` clips are encoded at a time (None: one for each core). Raises
    ``UsageError`` where a file is missing, damaged or of another model.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise UsageError(
            f"'{folder}' is no folder; give the folder of stepfun-ai/Step-Audio-Tokenizer as it "
            "was fetched"
        )
    front_end = _paraformer_folder(place)
    files = [_existing(place / name) for name in (CENTROIDS, SEMANTIC)]
    files.append(_existing(front_end / STATISTICS))
    given = place / LINGUISTIC
    if given.is_file():
        files.append(given)
    else:
        names = (paraformer.CHECKPOINT, paraformer.CONFIGURATION)
        files += [_existing(front_end / name) for name in names]
        given = paraformer.exported(front_end)

    centroids = _read_centroids(place / CENTROIDS)
    linguistic = _open(given, _LINGUISTIC_INPUTS)
    semantic = _open(place / SEMANTIC, _SEMANTIC_INPUTS)
    hidden = _run(linguistic, np.zeros((1, 5, kaldi_features.FEATURES), np.float32))
    if hidden.shape != (1, 5, centroids.shape[1]):
        raise UsageError(
            f"'{given}' makes {list(hidden.shape)} of 5 frames, and the centroids of {CENTROIDS} "
            f"need [1, 5, {centroids.shape[1]}]; use the files of one release"
        )
    silence = np.zeros((1, whisper_features.BANDS, 40), np.float32)
    entries = _run(semantic, silence, np.asarray([40], np.int32))
    if entries.size != 10 or entries.dtype.kind != "i":
        raise UsageError(
            f"'{place / SEMANTIC}' makes {entries.dtype.name} {list(entries.shape)} of 400 ms, and "
            "10 whole numbers are expected; use the file of the release"
        )
    return ReleasedCodec(
        linguistic,
        kaldi_features.Normalisation(front_end / STATISTICS),
        centroids,
        semantic,
        content_id("lauter.codec.released.v1", {file.name: sha256_of(file) for file in files}),
        threads or os.cpu_count() or 1,
    )


def _paraformer_folder(place: Path) -> Path:
    """Return where ``am.mvn`` is: the folder itself, or the one Paraformer in it."""
    found = sorted({file.parent for file in place.glob(f"**/{STATISTICS}")})
    if len(found) != 1:
        where = " and ".join(f"'{folder}'" for folder in found) or "none"
        raise UsageError(
            f"'{place}' must hold one Paraformer (a folder with {STATISTICS}), and there is "
            f"{where}; fetch stepfun-ai/Step-Audio-Tokenizer again, whole"
        )
    return found[0]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"'{path}' is missing; fetch stepfun-ai/Step-Audio-Tokenizer again, whole")
    return path


def _read_centroids(path: Path) -> NDArray[np.float32]:
    try:
        centroids = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"'{path}' cannot be read; it is damaged: fetch it again") from error
    if centroids.ndim != 2 or len(centroids) != LINGUISTIC_ENTRIES:
        raise UsageError(
            f"'{path}' has the shape {list(centroids.shape)}, and {LINGUISTIC_ENTRIES} rows are "
            "expected; fetch it again"
        )
    return np.asarray(centroids, np.float32)


def _open(path: Path, expected: Inputs) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors have no base of their own
        raise UsageError(
            f"'{path}' cannot be opened as an ONNX graph; it is damaged: fetch it again"
        ) from error
    found = [(given.type, tuple(given.shape)) for given in session.get_inputs()]
    if len(found) != len(expected) or not all(map(_fits, found, expected)):
        raise UsageError(
            f"'{path}' takes {_listed(found)}, and expected is "
            f"{_listed([(f'tensor({kind})', shape) for kind, shape in expected])}; "
            "use the file of the release"
        )
    return session


def _fits(found: tuple[str, tuple[Any, ...]], expected: tuple[str, tuple[int | None, ...]]) -> bool:
    kind, shape = expected
    # A size that the graph leaves open is a name or None.
    return (
        found[0] == f"tensor({kind})"
        and len(found[1]) == len(shape)
        and all(
            size == wanted or wanted is None or not isinstance(size, int)
            for size, wanted in zip(found[1], shape, strict=True)
        )
    )


def _listed(inputs: Sequence[tuple[str, tuple[Any, ...]]]) -> str:
    return " and ".join(
        f"{kind.removeprefix('tensor(').removesuffix(')')} "
        f"[{', '.join('frames' if size is None else str(size) for size in shape)}]"
        for kind, shape in inputs
    )


def _run(session: onnxruntime.InferenceSession, *inputs: NDArray[Any]) -> NDArray[Any]:
    names = [given.name for given in session.get_inputs()]
    found: NDArray[Any] = session.run(None, dict(zip(names, inputs, strict=True)))[0]
    return found
