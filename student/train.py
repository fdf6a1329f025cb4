"""One loop that distils a student, on a laptop or many devices: DeepSpeed round our own batches.

A step: every rank takes its micro batches, the count of target places is summed over all of them
and all ranks, each micro batch's loss is divided by that count, and one update follows. So the
update is the mean over the step's places however it was cut. All figures that a step yields go
through one reduction, before the update: a loss that is no number stops the run while weights and
checkpoint are still good.

A run is its ``output`` folder: ``checkpoints/`` to go on from, ``log.jsonl`` and ``tensorboard/``
to read, ``student/`` to speak with (the best so far by evaluation, else the last).
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import torch
import torch.distributed as dist

from lauter.datasets.errors import LauterError, UsageError
from lauter.student.batches import Batch, Packs, Step, linguistic_places
from lauter.student.beginning import beginning
from lauter.student.cached_teacher import TEACHER_COLUMN, teacher_of
from lauter.student.checkpoint import save_model
from lauter.student.distill import LossSettings, means
from lauter.student.edit_examples import Task, open_examples
from lauter.student.engine import (
    Objective,
    gradient_norm,
    keeps_norm,
    open_engine,
    whole_weights,
)
from lauter.student.examination import (
    Examination,
    Examiner,
    SpeakEvaluation,
    is_best,
    plain_model,
    reckon,
)
from lauter.student.facts import facts_of
from lauter.student.lora import adapters, add_adapters
from lauter.student.model import SpeechModel
from lauter.student.on_policy import Lesson, OnPolicy
from lauter.student.processes import alone, open_process_group, raise_together, stop_requests
from lauter.student.teaching import weights_digest
from lauter.student.training_log import TrainingLog, peak_flops, training_flops
from lauter.student.training_settings import TrainSettings, learning_rate
from lauter.student.training_state import (
    Progress,
    check_same_run,
    load_checkpoint,
    needs_universal,
    newest_checkpoint,
    record_progress,
    save_checkpoint,
    seed_generators,
)
from lauter.student.validation import check_same_codec, reduced

STUDENT: Final = "student"
NAMED: Final = 8
"""As many requests of a batch are named when it broke the training."""


class NoNumberError(UsageError):
    """The loss or its gradient is no number."""


@dataclass(frozen=True)
class TrainResult:
    """What came of a run: the last step's means, the best evaluation, and how it ended.

    ``ended`` is ``finished``, or ``patience`` for early stopping. ``best`` is None where nothing
    was evaluated to a number. ``notes`` are sentences on evaluations that chose nothing.
    """

    student: Path
    steps: int
    ended: str
    last: Mapping[str, float]
    best: float | None
    best_step: int
    notes: Sequence[str] = ()


def train(
    settings: TrainSettings,
    *,
    speak_evaluation: SpeakEvaluation | None = None,
    on_step: Callable[[Mapping[str, float], int], None] | None = None,
) -> TrainResult:
    """Train to the end of the run, going on where ``settings.output`` holds a checkpoint.

    In a process of several (torchrun, deepspeed, Ray Train) all of them call it. The evaluation
    and ``on_step``, which is told each step's figures and the number of steps in all, are called
    on rank 0. Ctrl-C and SIGTERM end the step, write a checkpoint and raise
    ``KeyboardInterrupt``. Raises ``UsageError`` for data that cannot be learnt from, a checkpoint
    of another run, and ``NoNumberError`` where the loss is no number.
    """
    device = open_process_group(settings.threads)
    # Locked before the newest checkpoint is looked for: a run that is ending may still write one.
    with alone(Path(settings.output)):
        return Trainer(settings, device, speak_evaluation).run(on_step)


class Trainer:
    """A run that is set up: data planned, engine opened, and where it stands."""

    def __init__(
        self,
        settings: TrainSettings,
        device: torch.device,
        speak_evaluation: SpeakEvaluation | None,
    ) -> None:
        self.settings = settings
        self.device = device
        self._rank, self._world = dist.get_rank(), dist.get_world_size()
        self._output = Path(settings.output)
        model, told, tokenizer = beginning(settings)
        self.config = model.config
        vocabulary = self.config.vocabulary
        columns = (TEACHER_COLUMN,) if settings.loss.wants_teacher else ()
        examples = open_examples(
            settings.task,
            settings.data,
            tokenizer,
            vocabulary,
            split=settings.train_split,
            extra_columns=columns,
        )
        if "codec_fingerprint" in told:
            check_same_codec(
                examples.codec_fingerprint, told["codec_fingerprint"], f"{settings.init}"
            )
        self.packs = Packs(examples, vocabulary, settings.batches, self.config.context)
        self._examiner = Examiner(
            settings,
            self.config,
            device,
            tokenizer,
            columns=columns,
            codec_fingerprint=examples.codec_fingerprint,
            teacher=self._teacher,
            speak=speak_evaluation,
        )
        self._tokenizer = tokenizer
        self._facts = facts_of(settings, examples, self.packs.cells, tokenizer, told)
        self._bound_to = {
            "preset": settings.preset,
            "task": None if settings.task == Task.SPEECH else settings.task,
            "codec_fingerprint": examples.codec_fingerprint,
            "teacher_fingerprint": examples.teacher_fingerprint,
            "data": examples.identity,  # other texts may make another tokenizer
            "tokenizer_fingerprint": tokenizer.fingerprint(),
            "model": asdict(replace(self.config, dropout=0.0)),
            "zero": settings.zero,
            "precision": settings.precision,
            "lora": asdict(settings.lora) if settings.lora.rank else None,
            # The checkpoints of adapters hold them alone.
            "base": weights_digest(model) if settings.lora.rank else None,
            **self.packs.bound_to(),
        }
        self._on_policy: OnPolicy | None = None
        if settings.on_policy.share:
            speaker = plain_model(self.config, device, settings.precision)
            self._on_policy = OnPolicy(settings, self.packs, speaker, device, tokenizer)
            self._facts["on_policy_teacher"] = self._on_policy.fingerprint
        self.progress = Progress()
        self._notes: list[str] = []
        if settings.lora.rank:
            add_adapters(model, settings.lora, seed=settings.seed)
        self._adapter_weights = sum(
            adapter.down.numel() + adapter.up.numel() for adapter in adapters(model).values()
        )
        self._engine = self._open(model)
        self._peak, self.peak_is = peak_flops(device, settings.precision)
        self.steps = settings.steps or math.ceil(
            (settings.epochs or 0) * len(self.packs.epoch(0)) / self.packs.packs_a_step
        )

    def _open(self, model: SpeechModel) -> Any:
        checkpoint = newest_checkpoint(self._output)
        if checkpoint:
            check_same_run(checkpoint, self._bound_to)
        settings = self.settings
        model.checkpoint_activations = settings.checkpoint_activations
        objective = Objective(
            model, settings.loss, self.config.vocabulary, whole=settings.zero < 3
        ).to(self.device)
        engine = open_engine(
            settings,
            objective,
            rows=self.packs.rows,
            accumulation=self.packs.accumulation(self._world),
            universal=checkpoint is not None and needs_universal(checkpoint, self._world),
        )
        if checkpoint:
            load_checkpoint(engine, checkpoint, settings.seed)
            self.progress = checkpoint.progress
        else:
            seed_generators(settings.seed + self._rank)
        return engine

    def run(self, on_step: Callable[[Mapping[str, float], int], None] | None = None) -> TrainResult:
        """Train to the end."""
        settings, progress = self.settings, self.progress
        steps = self.packs.steps(
            progress.position, epochs=settings.epochs, rank=self._rank, world=self._world
        )
        figures: dict[str, float] = {}
        with self._log() as log, stop_requests() as stop_came:
            if self._evaluation_is_owed():
                self._evaluate(log)
                record_progress(self._output, progress)
            started = time.perf_counter()
            for step in self._to_the_end(_ahead(steps)):
                figures, stopped = self._step(step, stop_came(), started)
                if log:
                    log.write(progress.step, figures)
                    if on_step:
                        on_step(figures | {"step": progress.step}, self.steps)
                is_last = self._is_last()
                # Before the evaluation, which takes its time and may be killed.
                if stopped or _is_due(progress.step, settings.save_every, is_last):
                    self._save()
                if stopped:
                    raise KeyboardInterrupt
                if _is_due(progress.step, settings.evaluate_every, is_last):
                    self._evaluate(log)
                    record_progress(self._output, progress)
                if self._is_out_of_patience() and not self._is_saved():
                    self._save()
                started = time.perf_counter()
        ended = "patience" if self._is_out_of_patience() else "finished"
        if progress.best is None:
            self._write_student(None)
        return TrainResult(
            self._output / STUDENT, progress.step, ended, figures, progress.best,
            progress.best_step, tuple(self._notes),
        )  # fmt: skip

    def _evaluation_is_owed(self) -> bool:
        """Whether a run was stopped where it was about to evaluate."""
        step = self.progress.step
        is_due = _is_due(step, self.settings.evaluate_every, self._is_last())
        return step > 0 and is_due and self.progress.evaluated < step

    def _is_last(self) -> bool:
        """Whether steps or epochs are at their end."""
        progress, settings = self.progress, self.settings
        return progress.step == settings.steps or progress.position.epoch == settings.epochs

    def _is_out_of_patience(self) -> bool:
        patience = self.settings.patience
        return patience > 0 and self.progress.since_best >= patience

    def _log(self) -> Any:
        """Return the log on rank 0, and nothing to write to on the others."""
        if self._rank:
            return nullcontext()
        return TrainingLog(
            self._output, after=self.progress.step, tensorboard=self.settings.tensorboard
        )

    def _to_the_end(self, steps: Iterator[Step]) -> Iterator[Step]:
        last = self.settings.steps
        while (last is None or self.progress.step < last) and not self._is_out_of_patience():
            step = next(steps, None)
            if step is None:
                return
            yield step

    def _step(self, step: Step, stop: bool, started: float) -> tuple[dict[str, float], bool]:
        """Update the student by a step; return its figures, and whether any rank is to stop."""
        engine, settings = self._engine, self.settings
        rate = learning_rate(settings, self.progress.step, self.steps)
        for group in engine.optimizer.param_groups:
            group["lr"] = rate
        lesson = self._lesson(step)
        step, loss = lesson.step, lesson.loss
        engine.train()
        count = self._summed([_weight_of(batch, loss) for batch in step.batches])
        sums, losses, norm = torch.zeros(8, dtype=torch.float64), [], None
        for number, batch in enumerate(step.batches, start=1):
            there = batch.to(self.device)
            total, of_batch = engine(there, lesson.teacher(batch), loss)
            engine.backward(total * (self._world / max(count, 1e-9)), scale_wrt_gas=False)
            sums += of_batch.cpu()
            losses.append(float(of_batch[0]))
            if number < len(step.batches):
                engine.step()
        tokens = sum(int((batch.segments > 0).sum()) for batch in step.batches)
        flops = sum(
            training_flops(
                self.config,
                batch,
                slot_aware=loss.slot_aware,
                adapter_weights=self._adapter_weights,
            )
            for batch in step.batches
        )
        extra = torch.tensor([tokens, flops, float(stop)], dtype=torch.float64)
        everywhere = reduced(torch.cat([sums, extra]), self.device)
        if not math.isfinite(float(everywhere[0])):
            raise self._no_number("loss", step, losses)
        if not keeps_norm(engine):
            norm = gradient_norm(engine)
        engine.step()
        norm = gradient_norm(engine) if norm is None else norm
        if not math.isfinite(norm):
            raise self._no_number("gradient", step, losses)
        self.progress.step += 1
        self.progress.position = step.after
        seconds = time.perf_counter() - started
        figures = {
            **means(everywhere[:8]),
            "learning_rate": rate,
            "gradient_norm": norm,
            "epoch": step.after.epoch,
            "pack": step.after.pack,
            "targets": float(everywhere[4] + everywhere[7]),
            "tokens": float(everywhere[8]),
            "seconds": seconds,
            "tokens_per_s": float(everywhere[8]) / seconds,
            "mfu": float(everywhere[9]) / seconds / (self._peak * self._world),
            **lesson.figures,
        }
        return figures, float(everywhere[10]) > 0

    def _lesson(self, step: Step) -> Lesson:
        """Return what this step is learnt from: the data, or what the student says to it."""
        number = self.progress.step
        if self._on_policy is not None and self._on_policy.is_due(number):
            return self._on_policy.lesson(step, number, self._engine)
        return Lesson(step, self.settings.loss, self._teacher)

    def _teacher(self, batch: Batch) -> Any:
        return teacher_of(batch, self.device) if self.settings.loss.wants_teacher else None

    def _summed(self, parts: list[float]) -> float:
        return float(reduced(torch.tensor(sum(parts), dtype=torch.float64), self.device))

    def _no_number(self, what: str, step: Step, losses: list[float]) -> NoNumberError:
        """Return the error that names the requests at fault: those of bad batches, else all."""
        bad = [
            name
            for batch, loss in zip(step.batches, losses, strict=True)
            if not math.isfinite(loss)
            for name in batch.request_ids
        ]
        everyone = [name for batch in step.batches for name in batch.request_ids]
        gathered: list[Any] = [None] * self._world
        dist.all_gather_object(gathered, (bad, everyone))
        names: list[str] = list(chain.from_iterable(one[0] for one in gathered))
        names = names or list(chain.from_iterable(one[1] for one in gathered))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return NoNumberError(
            f"the {what} of step {self.progress.step + 1} is no number; its requests are "
            f"{', '.join(names[:NAMED])}{more}. The checkpoint before is kept: set a lower "
            "distill.learning_rate or leave these requests out, and run the same command again"
        )

    def _evaluate(self, log: TrainingLog | None) -> None:
        """Measure the student, and write it where it is the best so far.

        What was learnt is not lost with what could not be measured or written: a checkpoint is
        saved first, which all ranks do together, as they have all met the error.
        """
        slices = self._examiner.validate(self._engine)
        step = self.progress.step
        try:
            examined = Examination(slices, self._examiner.listen(self._engine))
            measure = examined.measure(self.settings.loss)
            if is_best(self.progress, examined.figure, measure):
                self._write_student(examined.figure)
        except (LauterError, OSError):
            if not self._is_saved():
                with suppress(OSError, RuntimeError):  # the disk may be what is at fault
                    self._save()
            raise
        # Only now, so that the next run evaluates and writes again what could not be written.
        reckon(self.progress, examined.figure, measure)
        if examined.note:
            self._notes.append(f"at step {step} {examined.note}")
        if log:
            log.write(step, examined.logged(), group="valid")

    def _is_saved(self) -> bool:
        newest = newest_checkpoint(self._output)
        return newest is not None and newest.progress.step == self.progress.step

    def _save(self) -> None:
        save_checkpoint(
            self._engine, self._output, self.progress, self._bound_to, self.settings.keep
        )

    def _write_student(self, best: float | None) -> None:
        """Write the student as it is now, with the figure that made it the best (all ranks)."""
        weights = whole_weights(self._engine, keep=not self._rank)
        failed: Exception | None = None
        if not self._rank:
            facts = self._facts | {"step": self.progress.step, "best": best}
            model = self._engine.module.model
            try:
                save_model(
                    model, self._output / STUDENT, facts, weights=weights, tokenizer=self._tokenizer
                )
            except (LauterError, OSError) as error:
                failed = error
        raise_together(failed)


def _weight_of(batch: Batch, loss: LossSettings) -> float:
    """Return what a batch's losses are divided by, before it is known what they are."""
    linguistic = linguistic_places(batch)
    semantic = len(batch.slots) - linguistic
    return loss.linguistic_weight * linguistic + loss.semantic_weight * semantic


def _is_due(step: int, every: int, is_last: bool) -> bool:
    return every > 0 and (is_last or step % every == 0)


def _ahead(steps: Iterator[Step]) -> Iterator[Step]:
    """Read the next step's samples while the student learns from this one's."""
    with ThreadPoolExecutor(1, "batches") as reader:
        coming = reader.submit(next, steps, None)
        while (step := coming.result()) is not None:
            coming = reader.submit(next, steps, None)
            yield step
