"""How a student in training is measured, and which of its states is the best.

The loss on held-out speech is always there; where the student is let speak too, what was
understood of it (``cer``) decides, as a loss says little of whether speech can be understood. A
figure that is no number is never the best, and a sentence says that it was none: compared with
anything else it is neither better nor worse, and the first of its kind would stay for ever.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.distributed as dist

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.batches import Batch
from lauter.student.distill import LossSettings
from lauter.student.engine import Engine, copy_weights
from lauter.student.model import SpeechModel, build
from lauter.student.presets import ModelConfig
from lauter.student.processes import raise_together
from lauter.student.training_settings import TrainSettings
from lauter.student.training_state import Progress, generators_kept
from lauter.student.validation import ALL, HeldOut, Slices, by_slice, check_same_codec, reduced

SpeakEvaluation = Callable[[SpeechModel, TextTokenizer], Mapping[str, float]]
"""Lets a student speak, which reads by a tokenizer, and measures it; ``cer`` chooses the best."""


@dataclass(frozen=True)
class Examination:
    """What was measured once: means of the loss by slice, and figures of what was spoken."""

    slices: Slices
    spoken: Mapping[str, float]

    @property
    def figure(self) -> float:
        """What chooses the best, the less the better: the error rate of speech, else the loss."""
        return self.spoken.get("cer", self.slices[ALL].get("loss", math.nan))

    def measure(self, loss: LossSettings) -> str:
        """Return the name of what ``figure`` measures: a loss by its settings.

        Error rates are not told apart: whoever changes what is spoken, and how, begins anew.
        """
        return "cer" if "cer" in self.spoken else f"loss {json.dumps(asdict(loss), sort_keys=True)}"

    @property
    def note(self) -> str | None:
        """A sentence on a figure that is no number; None for one that is."""
        if math.isfinite(self.figure):
            return None
        what = "error rate of what the student said" if "cer" in self.spoken else "held-out loss"
        return (
            f"the {what} is no number ({self.figure}), so this state was not kept as the best; "
            "where it stays so, begin anew with a lower distill.learning_rate"
        )

    def logged(self) -> dict[str, Any]:
        """Return all figures for the log, None for what is no number, and the note if there is."""
        figures = {
            f"{name}/{part}": value
            for name, parts in self.slices.items()
            for part, value in parts.items()
        }
        figures |= {f"spoken/{name}": value for name, value in self.spoken.items()}
        numbers = {name: v if math.isfinite(v) else None for name, v in figures.items()}
        return numbers | ({"note": self.note} if self.note else {})


def is_best(progress: Progress, figure: float, measure: str) -> bool:
    """Return whether a figure is less than all before it of the same measure.

    An error rate and a loss, or two losses of other settings, cannot be compared. Runs of before
    have no name for their measure: it is taken to be the same.
    """
    best = progress.best if progress.measure in ("", measure) else None
    return math.isfinite(figure) and (best is None or figure < best)


def reckon(progress: Progress, figure: float, measure: str) -> None:
    """Enter an evaluation of the step that ``progress`` is at."""
    better = is_best(progress, figure, measure)
    progress.since_best += 1
    progress.evaluated = progress.step
    if better:
        progress.best, progress.best_step, progress.since_best = figure, progress.step, 0
        progress.measure = measure


class Examiner:
    """Measures a student in an engine; all ranks call it together and come to the same."""

    def __init__(
        self,
        settings: TrainSettings,
        config: ModelConfig,
        device: torch.device,
        tokenizer: TextTokenizer,
        *,
        columns: Sequence[str],
        codec_fingerprint: str,
        teacher: Callable[[Batch], Any],
        speak: SpeakEvaluation | None,
    ) -> None:
        """Read what is held out, where the run is to be evaluated at all.

        ``columns`` are those that ``teacher`` reads of a batch. Raises ``UsageError`` where
        nothing is held out, or its codes are not of the codec with this fingerprint.
        """
        self._settings = settings
        self._config = config
        self._device = device
        self._tokenizer = tokenizer
        self._teacher = teacher
        self._speak_evaluation = speak
        self._rank, self._world = dist.get_rank(), dist.get_world_size()
        self._held_out: HeldOut | None = None
        if settings.evaluate_every:
            self._held_out = self._open_held_out(columns)
            check_same_codec(
                self._held_out.codec_fingerprint,
                codec_fingerprint,
                f"the split {settings.valid_split}",
            )

    def _open_held_out(self, columns: Sequence[str]) -> HeldOut:
        settings = self._settings
        try:
            return HeldOut(
                settings.data,
                self._tokenizer,
                self._config.vocabulary,
                settings.batches,
                self._config.context,
                split=settings.valid_split,
                task=settings.task,
                extra_columns=columns,
            )
        except UsageError as error:
            raise UsageError(
                f"nothing can be held out: {error}. Export with export.valid=0.02, or set "
                "distill.evaluate_every=0"
            ) from error

    def validate(self, engine: Engine) -> Slices:
        """Return the means of the loss by slice; no lots of the training are drawn."""
        with generators_kept():
            return self._validate(engine)

    def listen(self, engine: Engine) -> Mapping[str, float]:
        """Return what the speaking evaluation measures (nothing, where there is none).

        What it raises it raises on all ranks. No lots of the training are drawn.
        """
        with generators_kept():
            return self._speak(engine)

    def _validate(self, engine: Engine) -> Slices:
        held_out = self._held_out
        if held_out is None:
            raise UsageError("nothing is held out; export the corpus with export.valid=0.02")
        sums = torch.zeros((len(held_out.cells), 8), dtype=torch.float64)
        engine.eval()
        with torch.no_grad():
            for cell, batch in held_out.batches(self._rank, self._world):
                _, of_batch = engine(batch.to(self._device), self._teacher(batch))
                sums[cell] += of_batch.cpu()
        return by_slice(reduced(sums, self._device), held_out.cells)

    def _speak(self, engine: Engine) -> Mapping[str, float]:
        """Return what the speaking evaluation measured, on all ranks.

        It has a plain model, in the memory of rank 0: there the student speaks while the others
        wait, so that sentences of different length lock nothing.
        """
        if self._speak_evaluation is None:
            return {}
        model = None
        if self._rank == 0:
            model = plain_model(self._config, self._device, self._settings.precision)
        copy_weights(engine, model)
        spoken: list[Mapping[str, float]] = [{}]
        failed: Exception | None = None
        if model is not None:
            try:
                with torch.no_grad():
                    spoken = [dict(self._speak_evaluation(model, self._tokenizer))]
            except (LauterError, OSError) as error:
                failed = error
        raise_together(failed)
        dist.broadcast_object_list(spoken, device=torch.device("cpu"))
        return spoken[0]


def plain_model(config: ModelConfig, device: torch.device, precision: str) -> SpeechModel:
    """Return a model of the student's shape outside of the engine, to be given its weights."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    return build(config, seed=None, device=device, dtype=dtype).eval()
