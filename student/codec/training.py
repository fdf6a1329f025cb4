"""Training a codec, from speech to its folder, in four stages.

1. **Book**: centroids of a recogniser's features (the linguistic book).
2. **Codes**: the semantic encoder, timbre and coarse mel (``train_codes.py``).
3. **Flow**: from codes to a mel (``train_flow.py``).
4. **Vocoder**: from a mel to samples (``train_vocoder.py``).

Each finished stage is kept in the folder's ``training/``, so that a stopped training begins with
the stage that it was stopped in; beside them lies a log of all steps. All speech is held in memory:
240 MB an hour, and 540 MB while the book is made.
"""

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from lauter.datasets.audio import Clip
from lauter.datasets.codes import Codes
from lauter.datasets.corpus_layout import MARK
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id, digest
from lauter.student.codec import linguistic
from lauter.student.codec.codec import ABOUT, WEIGHTS, Codec, in_whole_groups, open_codec
from lauter.student.codec.flow import Flow
from lauter.student.codec.kmeans import fit_centroids
from lauter.student.codec.linguistic import LinguisticBook, RecogniserFeatures
from lauter.student.codec.mel import SAMPLE_RATE
from lauter.student.codec.train_codes import (
    CodesModel,
    CodesTraining,
    TrainingClip,
    clip_batches,
    shares_of,
    train_codes,
)
from lauter.student.codec.train_flow import FlowTraining, train_flow
from lauter.student.codec.train_vocoder import VocoderTraining, segments, train_vocoder
from lauter.student.codec.training_log import OnStep, TrainingLog
from lauter.student.codec.vocoder import Vocoder

CENTROIDS: Final = 1024
STAGES = "training"
_HEARD_TOGETHER = 32
SAMPLES_PER_ENTRY = SAMPLE_RATE * 60 // 1000


@dataclass(frozen=True, slots=True)
class BookTraining:
    """How the centroids are found."""

    batches: int = 300
    batch_size: int = 8192


@dataclass(frozen=True, slots=True)
class CodecTraining:
    """How a codec is trained; ``seed`` decides all that is left to chance."""

    book: BookTraining = field(default_factory=BookTraining)
    codes: CodesTraining = field(default_factory=CodesTraining)
    flow: FlowTraining = field(default_factory=FlowTraining)
    vocoder: VocoderTraining = field(default_factory=VocoderTraining)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Speech:
    """An utterance to train on."""

    clip: Clip
    text: str
    speaker: str
    codes: Codes | None = None
    """Where a codec has encoded it: whoever trains that codec's decoder need not hear it again."""


def train_codec(
    speech: Iterable[Speech],
    folder: str | Path,
    settings: CodecTraining,
    on_step: OnStep,
    *,
    device: str = "cpu",
) -> Codec:
    """Train a codec on ``speech``, write it to ``folder`` and return it.

    Raises ``UsageError`` where there is too little speech to fill the linguistic book, where
    ``folder`` holds a codec of other codes, and for a loss that is no number.
    """
    on_step = TrainingLog(Path(folder) / STAGES, on_step)
    samples, texts, speakers = _read(speech)
    found = sum(len(one) for one in samples) // SAMPLES_PER_ENTRY
    if found < 2 * CENTROIDS:
        raise UsageError(
            f"{found * 0.06:.0f} s of speech cannot fill a book of {CENTROIDS} entries; train on "
            f"{2 * CENTROIDS * 0.06:.0f} s or more (hours, for a codec that is to be used)"
        )
    data = _digest(samples)
    _check_replaceable(Path(folder), data, settings)
    stages = _Stages(Path(folder) / STAGES, data, settings.seed)

    @cache
    def heard() -> list[NDArray[np.float16]]:
        return _hear(samples, on_step)

    def fitted() -> dict[str, Any]:
        features = heard()
        on_step("book", 0, 1, {})
        state = _fit_book(features, settings)
        on_step("book", 1, 1, {})
        return state

    book_state = stages.done("book", asdict(settings.book), fitted)
    book = LinguisticBook(
        *(book_state[name].numpy() for name in ("mean", "deviation", "centroids"))
    )

    @cache
    def clips() -> list[TrainingClip]:
        entries = [book.entries(features.astype(np.float32)) for features in heard()]
        return list(map(TrainingClip, samples, entries, texts, speakers))

    def learn_codes() -> dict[str, Any]:
        model, codes = CodesModel().to(device), settings.codes
        batches = clip_batches(clips(), codes.batch_size, codes.longest_groups, codes.seed)
        train_codes(model, batches, codes, telling(on_step, "codes", codes.steps))
        return model.state_dict()

    model = CodesModel().to(device)
    model.load_state_dict(stages.done("codes", asdict(settings.codes), learn_codes))

    def learn_flow() -> dict[str, Any]:
        flow, flowing = Flow().to(device), settings.flow
        batches = clip_batches(
            clips(), flowing.batch_size, flowing.longest_groups, flowing.seed + 1
        )
        train_flow(model, flow, batches, flowing, telling(on_step, "flow", flowing.steps))
        return {"model": model.state_dict(), "flow": flow.state_dict()}

    flow_state = stages.done("flow", asdict(settings.flow), learn_flow)
    flow, vocoder = Flow().to(device), Vocoder().to(device)
    model.load_state_dict(flow_state["model"])
    flow.load_state_dict(flow_state["flow"])
    vocoder.load_state_dict(_vocoder(samples, speakers, folder, settings, on_step, device))
    about = {
        "trained_on": {
            "digest": data,
            "clips": len(samples),
            "hours": round(sum(map(len, samples)) / SAMPLE_RATE / 3600, 2),
            "speakers": len(set(speakers)),
        },
        "training": asdict(settings),
    }
    codec = Codec(model.semantic, model.timbre, model.condition, flow, vocoder, book)
    codec.save(folder, about)
    return open_codec(folder)


def train_vocoder_alone(
    speech: Iterable[Speech],
    folder: str | Path,
    settings: CodecTraining,
    on_step: OnStep,
    *,
    device: str = "cpu",
) -> None:
    """Train the vocoder and keep it in ``folder`` for ``train_codec``, which then finds it there.

    It hangs on the speech alone, so a second process can train it beside the other stages. Raises
    ``UsageError`` where there is no speech, and for a loss that is no number.
    """
    on_step = TrainingLog(Path(folder) / STAGES, on_step)
    samples, _, speakers = _read(speech)
    if not samples:
        raise UsageError("there is no speech to train a vocoder on; give it a corpus with some")
    _vocoder(samples, speakers, folder, settings, on_step, device)


def _vocoder(
    samples: list[NDArray[np.int16]],
    speakers: list[str],
    folder: str | Path,
    settings: CodecTraining,
    on_step: OnStep,
    device: str,
) -> dict[str, Any]:
    """Return the trained vocoder's weights."""

    def learn_vocoder() -> dict[str, Any]:
        vocoder, voicing = Vocoder().to(device), settings.vocoder
        pieces = segments(samples, shares_of(speakers), voicing)
        train_vocoder(vocoder, pieces, voicing, telling(on_step, "vocoder", voicing.steps))
        return vocoder.state_dict()

    stages = _Stages(Path(folder) / STAGES, _digest(samples), settings.seed)
    return stages.done("vocoder", asdict(settings.vocoder), learn_vocoder)


def _digest(samples: list[NDArray[np.int16]]) -> str:
    return digest("lauter.codec_data.v1", "".join(digest("", one.tobytes()) for one in samples))


def _read(speech: Iterable[Speech]) -> tuple[list[NDArray[np.int16]], list[str], list[str]]:
    """Return samples at 24 kHz in whole groups, texts and speakers."""
    samples, texts, speakers = [], [], []
    for one in speech:
        samples.append(whole_samples(one))
        texts.append(one.text)
        speakers.append(one.speaker)
    return samples, texts, speakers


def whole_samples(speech: Speech) -> NDArray[np.int16]:
    """Return samples at 24 kHz in whole groups."""
    whole = in_whole_groups(speech.clip.samples, speech.clip.sample_rate)
    rounded: NDArray[np.int16] = np.clip(np.rint(whole * 32768), -32768, 32767).astype(np.int16)
    return rounded


def _hear(samples: Sequence[NDArray[np.int16]], on_step: OnStep) -> list[NDArray[np.float16]]:
    """Return the recogniser's features of each clip, float16 ``[entries, 512]``."""
    recogniser = RecogniserFeatures()
    heard: list[NDArray[np.float16]] = []
    for start in range(0, len(samples), _HEARD_TOGETHER):
        together = [
            soxr.resample(one / np.float32(32768), SAMPLE_RATE, linguistic.SAMPLE_RATE)
            for one in samples[start : start + _HEARD_TOGETHER]
        ]
        heard += [features.astype(np.float16) for features in recogniser.of(together)]
        on_step("hearing", len(heard), len(samples), {})
    return heard


def check_codec_folder(folder: Path) -> None:
    """Raise ``UsageError`` for a folder that holds something else than a codec."""
    is_codec = (folder / WEIGHTS).exists() or (folder / STAGES).is_dir()
    is_other = (folder / MARK).exists() or not is_codec
    if folder.exists() and (not folder.is_dir() or (any(folder.glob("[!.]*")) and is_other)):
        raise UsageError(f"{folder} is there already and is no codec; name another codec.folder")


def _check_replaceable(folder: Path, data: str, settings: CodecTraining) -> None:
    """Raise ``UsageError`` for a folder with a codec of other codes: they would be lost with it."""
    decide, ours = ("book", "codes", "seed"), asdict(settings)
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        theirs = [about["trained_on"]["digest"], *(about["training"][name] for name in decide)]
    except (OSError, ValueError, KeyError, TypeError):
        return  # none, or it does not say
    if theirs != [data, *(ours[name] for name in decide)]:
        raise UsageError(
            f"{folder} holds a codec that was trained on other speech or with other settings, and "
            "what it encoded can be decoded by no other; name another folder"
        )


def _fit_book(heard: list[NDArray[np.float16]], settings: CodecTraining) -> dict[str, Any]:
    features = np.concatenate(heard)
    mean = features.mean(0, dtype=np.float64).astype(np.float32)
    deviation = features.std(0, dtype=np.float64).astype(np.float32) + np.float32(1e-5)
    centroids = fit_centroids(
        (features.astype(np.float32) - mean) / deviation,
        CENTROIDS,
        batches=settings.book.batches,
        batch_size=settings.book.batch_size,
        seed=settings.seed,
    )
    named = {"mean": mean, "deviation": deviation, "centroids": centroids}
    return {name: torch.from_numpy(value) for name, value in named.items()}


def telling(on_step: OnStep, stage: str, steps: int) -> Callable[[int, dict[str, float]], None]:
    """Return what a stage tells its losses, which raises ``UsageError`` where one is no number."""

    def tell(step: int, losses: dict[str, float]) -> None:
        if not all(map(math.isfinite, losses.values())):
            found = ", ".join(f"{name} {value:g}" for name, value in losses.items())
            raise UsageError(
                f"the losses of step {step + 1} of the stage '{stage}' are no numbers ({found}); "
                "the stages before are kept: look for damaged speech, or set another seed"
            )
        on_step(stage, step + 1, steps, losses)

    return tell


class _Stages:
    """What was finished of a training; it is bound to its data, settings and stages before.

    Each stage begins with the same seed, whether or not the one before was done just now.
    """

    def __init__(self, folder: Path, data: str, seed: int) -> None:
        self._folder = folder
        self._bound_to = f"{data} {seed}"
        self._seed = seed

    def done(
        self, name: str, settings: dict[str, Any], do: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the stage's result, computed now unless it was before."""
        self._bound_to = content_id(
            "lauter.codec_stage.v1",
            {"name": name, "settings": json.dumps(settings), "before": self._bound_to},
        )
        file = self._folder / f"{name}-{self._bound_to[:16]}.pt"
        if not file.is_file():
            torch.manual_seed(self._seed)
            result = do()
            self._folder.mkdir(parents=True, exist_ok=True)
            # By its own name: a second process may be at the same stage.
            beside = file.with_suffix(f".{os.getpid()}.part")
            torch.save(result, beside)
            beside.replace(file)
        return dict(torch.load(file, map_location="cpu", weights_only=True))
