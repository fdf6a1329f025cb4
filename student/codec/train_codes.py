"""Training the codes: the semantic encoder, the voice and the coarse mel, all at once.

What is learnt from: the coarse mel is to come near the true one (mean absolute error), and the text
is to be read off the semantic entries alone. For one clip in ten each book is left out. The
reference that gives the timbre is any piece of the same speaker's speech.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lauter.datasets.codes import Entries
from lauter.student.codec.blocks import mask_of
from lauter.student.codec.condition import Condition, TimbreEncoder
from lauter.student.codec.learning_rate import cosine_rate
from lauter.student.codec.mel import FRAMES_PER_GROUP, SAMPLES_PER_GROUP, LogMel, normalised
from lauter.student.codec.semantic import BLANK, Reader, SemanticEncoder, quantise

REFERENCE_FRAMES = 200
"""Most frames of the recording that a voice is taken from in training."""


@dataclass(frozen=True, slots=True)
class TrainingClip:
    """Speech to train on: int16 at 24 kHz in whole groups, linguistic entries, text, speaker."""

    samples: NDArray[np.int16]
    linguistic: Entries
    text: str
    speaker: str


@dataclass(frozen=True, slots=True)
class CodesTraining:
    """How the codes are trained."""

    steps: int = 3000
    batch_size: int = 12
    longest_groups: int = 40
    """Longer clips are cut at random; a piece is not read (its text is not known)."""
    learning_rate: float = 8e-4
    least_learning_rate: float = 4e-5
    reading_weight: float = 0.3
    without_a_book: float = 0.1
    """Share of the clips that are rebuilt without one book, for each book."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ClipBatch:
    """Clips together, padded: see the shapes beside each."""

    mels: Tensor  # normalised, [batch, frames, 80]
    references: Tensor  # normalised, [batch, frames, 80]
    reference_steps: Tensor  # int64 [batch]: quarters of frames of each reference
    linguistic: Tensor  # int64 [batch, 2 * groups]
    groups: Tensor  # int64 [batch]
    texts: list[bytes]  # empty: not known

    def to(self, device: torch.device) -> "ClipBatch":
        """Return the batch on a device."""
        return ClipBatch(
            self.mels.to(device),
            self.references.to(device),
            self.reference_steps.to(device),
            self.linguistic.to(device),
            self.groups.to(device),
            self.texts,
        )


def shares_of(speakers: Sequence[str]) -> NDArray[np.float64]:
    """Return how probable each clip is to be drawn, by whom it is from.

    A speaker's share is the number of their clips to the power of 3/4, so that those with little
    speech are heard more than they speak, and yet do not drown the others.
    """
    counts = Counter(speakers)
    weights = np.asarray([counts[speaker] ** -0.25 for speaker in speakers])
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def clip_batches(
    clips: Sequence[TrainingClip], batch_size: int, longest_groups: int, seed: int
) -> Iterator[ClipBatch]:
    """Yield batches of clips of like length, in random order, for ever."""
    chance = np.random.default_rng(seed % 2**64)
    log_mel = LogMel()
    of_speaker: dict[str, list[int]] = {}
    for number, clip in enumerate(clips):
        of_speaker.setdefault(clip.speaker, []).append(number)
    shares = shares_of([clip.speaker for clip in clips])
    while True:
        chosen = chance.choice(len(clips), batch_size * 8, p=shares).tolist()
        drawn = sorted(chosen, key=lambda number: len(clips[number].samples))
        starts = np.arange(0, len(drawn), batch_size)
        for start in chance.permutation(starts):
            together = [clips[number] for number in drawn[start : start + batch_size]]
            yield _together(together, clips, of_speaker, longest_groups, chance, log_mel)


def _together(
    chosen: Sequence[TrainingClip],
    clips: Sequence[TrainingClip],
    of_speaker: dict[str, list[int]],
    longest_groups: int,
    chance: np.random.Generator,
    log_mel: LogMel,
) -> ClipBatch:
    pieces, references, entries, texts = [], [], [], []
    for clip in chosen:
        groups = len(clip.linguistic) // 2
        kept = min(groups, longest_groups)
        first = int(chance.integers(groups - kept + 1))
        gain = 10 ** (chance.uniform(-6, 3) / 20)
        pieces.append(clip.samples[first * SAMPLES_PER_GROUP :][: kept * SAMPLES_PER_GROUP] * gain)
        entries.append(clip.linguistic[2 * first : 2 * (first + kept)])
        texts.append(clip.text.lower().encode() if kept == groups else b"")
        other = clips[chance.choice(of_speaker[clip.speaker])].samples
        longest = REFERENCE_FRAMES * 240
        begin = int(chance.integers(max(1, len(other) - longest)))
        references.append(other[begin : begin + longest] * gain)
    groups_of = torch.tensor([len(row) // 2 for row in entries])
    linguistic = torch.zeros(len(chosen), int(groups_of.max()) * 2, dtype=torch.long)
    for row, found in zip(linguistic, entries, strict=True):
        row[: len(found)] = torch.from_numpy(found.astype(np.int64))
    reference_steps = torch.tensor([len(reference) // 960 for reference in references])
    return ClipBatch(
        _mels(pieces, log_mel),
        _mels(references, log_mel)[:, : int(reference_steps.max()) * 4],
        reference_steps,
        linguistic,
        groups_of,
        texts,
    )


def _mels(pieces: Sequence[NDArray[np.floating]], log_mel: LogMel) -> Tensor:
    samples = np.zeros((len(pieces), max(map(len, pieces))), np.float32)
    for row, piece in zip(samples, pieces, strict=True):
        row[: len(piece)] = piece / 32768.0
    return normalised(log_mel(torch.from_numpy(samples)))


class CodesModel(nn.Module):
    """What is trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.semantic = SemanticEncoder()
        self.timbre = TimbreEncoder()
        self.condition = Condition()
        self.reader = Reader()


def train_codes(
    model: CodesModel,
    batches: Iterator[ClipBatch],
    settings: CodesTraining,
    on_step: Callable[[int, dict[str, float]], None],
) -> None:
    """Train ``model`` in place, where it lies."""
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), settings.learning_rate, betas=(0.9, 0.98))
    chance = torch.Generator().manual_seed(settings.seed)
    for step in range(settings.steps):
        rate = cosine_rate(
            step, settings.steps, settings.learning_rate, settings.least_learning_rate
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = next(batches).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            losses = codes_loss(model, batch, settings.without_a_book, chance)
        total = losses["mel"] + settings.reading_weight * losses["reading"]
        optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        on_step(step, {name: float(loss.detach()) for name, loss in losses.items()})


def codes_loss(
    model: CodesModel, batch: ClipBatch, without_a_book: float, chance: torch.Generator
) -> dict[str, Tensor]:
    """Return ``mel``, the error of the coarse mel, and ``reading``, in nats a byte."""
    entries = mask_of(batch.groups * 3, batch.mels.shape[1] // 4)
    points = quantise(model.semantic(batch.mels, entries))
    timbre = model.timbre(
        batch.references, mask_of(batch.reference_steps, batch.references.shape[1] // 4)
    )
    device = points.device
    drawn = torch.rand(len(points), generator=chance).to(device)
    _, coarse = model.condition(
        batch.linguistic,
        points,
        timbre,
        batch.groups,
        use_linguistic=drawn >= without_a_book,
        use_semantic=drawn < 1 - without_a_book,
    )
    mask = mask_of(batch.groups * FRAMES_PER_GROUP, batch.mels.shape[1])
    error = (coarse.float() - batch.mels).abs() * mask
    known = torch.tensor([bool(text) for text in batch.texts], device=device)
    log_probabilities = model.reader(points, entries).transpose(0, 1)
    lengths = torch.tensor([len(text) for text in batch.texts], device=device)
    targets = torch.tensor([byte for text in batch.texts for byte in text], device=device)
    reading = nn.functional.ctc_loss(
        log_probabilities, targets, batch.groups * 3, lengths, BLANK, "none", zero_infinity=True
    )
    return {
        "mel": error.sum() / (mask.sum() * error.shape[-1]),
        "reading": (reading * known).sum() / (lengths * known).sum().clamp(min=1),
    }
