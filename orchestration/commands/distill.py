"""`lauter distill`: a student learns from exported speech codes."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lauter.datasets.corpus_layout import MARK
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SAMPLES, SPEECH
from lauter.datasets.exported_speakers import check_leave
from lauter.datasets.location import location_of
from lauter.orchestration.leave import leave_of
from lauter.orchestration.sampling import sampling_of
from lauter.student.checkpoint import read_facts
from lauter.student.codec.codec import open_codec
from lauter.student.edit_examples import Task
from lauter.student.examples import codec_of
from lauter.student.facts import TIMBRES
from lauter.student.generation import Sampling
from lauter.student.launch import Evaluation, Launch, launch
from lauter.student.timbres import add_timbres
from lauter.student.training_settings import TrainSettings, settings_from

SPEAKING: Final = "lauter.pipelines.speaking_evaluation:make_speak_evaluation"


def run(settings: DictConfig, console: Console) -> int:
    """Train, and say what came of it."""
    training, how, evaluation = training_of(
        settings.distill, codec=settings.codec.folder, sampling=sampling_of(settings)
    )
    for made_by_others in (MARK, SAMPLES, SPEECH):
        if (Path(training.output) / made_by_others).exists():
            raise UsageError(
                f"{training.output} holds a corpus or an export; name a folder of its own for the "
                "run in distill.output"
            )
    check_leave(training.data, training.train_split, leave_of(settings))
    if note := _note_on_codec(training, settings.codec.folder):
        console.print(note, soft_wrap=True)
    columns = (TextColumn("distilling"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[told]}"), console=console
    ) as progress:
        task = progress.add_task("steps", total=None, told="")

        def on_step(figures: Mapping[str, Any], steps: int) -> None:
            told = f"loss {figures['loss']:.3f}, {figures['tokens_per_s']:,.0f} tokens/s"
            total = steps or None
            told = f"{told}, MFU {figures['mfu']:.1%}"
            progress.update(task, completed=figures["step"], total=total, told=told)

        result = launch(training, how, evaluation=evaluation, on_step=on_step)
    record = {"command": "distill", "settings": OmegaConf.to_container(settings, resolve=True)}
    written = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    (Path(training.output) / "run.json").write_text(written, encoding="utf-8")
    best = "" if result.best is None else f"; the best, {result.best:.4f}, at {result.best_step}"
    why = " (no better one came)" if result.ended == "patience" else ""
    last = f", loss {result.last['loss']:.3f}" if result.last else ""
    console.print(f"{result.steps} steps{why}{last}{best}: the student is in {result.student}")
    for note in result.notes:
        console.print(note, markup=False, soft_wrap=True)
    console.print(_with_timbres(result.student, training, settings.codec.folder))
    return 0


def _note_on_codec(training: TrainSettings, folder: str | None) -> str | None:
    """Return what to know of the codec before hours of training: None where it made the codes.

    Raises ``UsageError`` where one is named that did not.
    """
    encoded_by = codec_of(training.data, training.train_split)
    try:
        ours = open_codec(folder).fingerprint
    except UsageError as error:
        if folder is not None:
            raise
        # Training itself wants no codec.
        return f"no new voices will come with the student: {error}"
    if encoded_by in (None, ours):
        return None
    if folder is not None:
        raise UsageError(
            f"{training.data} holds codes of the codec {encoded_by[:12]}, and the one in {folder} "
            f"is {ours[:12]}; set codec.folder to the one that encoded it"
        )
    return (
        f"{training.data} holds codes of the codec {encoded_by[:12]}, which is not the one that "
        "comes with Lauter; with codec.folder=… the student would bring its voices along"
    )


def _with_timbres(student: Path, training: TrainSettings, codec: str | None) -> str:
    """Let a student bring the timbres of its voices along; return a line that says so.

    It is trained by now: where they cannot be had, that is said and nothing is lost.
    """
    try:
        count = add_timbres(student, training.data, codec, split=training.train_split)
    except UsageError as error:
        if TIMBRES in read_facts(student):
            return f"it brings the timbres of the student it began as, and no others: {error}"
        return f"it brings no timbres, so speaking needs a reference recording: {error}"
    return f"it brings the timbre{'' if count == 1 else 's'} of {count} of its voices"


def training_of(
    node: DictConfig, *, codec: str | None, sampling: Sampling | None = None
) -> tuple[TrainSettings, Launch, Evaluation | None]:
    """Return what a `distill` node asks for; raises ``UsageError`` where it cannot be.

    ``codec`` is the folder of the codec with which the student speaks in between, drawing its
    codes by ``sampling``.
    """
    plain: Any = OmegaConf.to_container(node, resolve=True)
    how = Launch(*(plain.pop(name) for name in ("launcher", "processes", "restarts", "address")))
    count = plain.pop("speak_texts")
    mixture = plain["batches"]["mixture"]
    mixture["weights"] = _weights(mixture["weights"] or {})
    training = settings_from(plain)
    if count <= 0:
        return training, how, None
    if not training.evaluate_every:
        raise UsageError(
            f"distill.speak_texts={count} are said at evaluations, and distill.evaluate_every=0 "
            "makes none; set one of them otherwise"
        )
    if training.task == Task.EDIT:
        raise UsageError(
            f"distill.speak_texts={count} are said at evaluations, and distill.task=edit learns to "
            "say none; set distill.speak_texts=0, or distill.task=both"
        )
    given = {
        "data": str(location_of(training.data).resolve()),
        "split": training.valid_split,
        "count": count,
        "codec": codec and str(Path(codec).resolve()),
        "sampling": sampling and asdict(sampling),
        "reference_turns": training.batches.reference_share > 0,
    }
    return training, how, Evaluation(SPEAKING, given)


def _weights(given: Any) -> dict[str, float]:
    """Return weights by words; Hydra cannot check them, as it adds no keys to a typed mapping."""
    try:
        return {str(words): float(weight) for words, weight in given.items()}
    except (AttributeError, TypeError, ValueError):
        raise UsageError(
            f"distill.batches.mixture.weights is {given}; write words and their weights, such as "
            "{yue: 2, ja/joy: 0.5}"
        ) from None
