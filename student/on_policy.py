"""Steps in which the student is corrected in what it has said itself (GKD, arXiv 2306.13649).

A student that only ever reads its teacher's speech never learns what to do after its own mistakes.
Here it answers the prompts of a step's batches, the teacher gives the distribution that it would
have drawn from at each place of these answers, and the divergence from it is the loss. No gradient
goes through the drawing.

The student speaks as a plain copy in every process, which takes the weights over before each such
step, one at a time and out of whatever pieces they lie in (``engine.copy_weights``). That costs a
model's weights in memory, and buys that nothing is gathered while it speaks: ranks whose answers
are of different lengths wait for each other at the next reduction and nowhere before. The teacher
lies whole in every process, too.

An answer hangs on the seed, the step and the request (up to rounding, see ``generation.py``), so a
resumed run hears what the other would have heard.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import digest
from lauter.datasets.layout import Ids
from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.batches import Batch, Packs, Step, collate
from lauter.student.distill import LossSettings, TeacherTop
from lauter.student.engine import Engine, copy_weights
from lauter.student.examples import SpokenExample
from lauter.student.facts import REFERENCE_TURNS
from lauter.student.generation import Sampling, generate
from lauter.student.model import SpeechModel
from lauter.student.teaching import Teacher, check_same_ids, spoken_examples, teacher_logits
from lauter.student.training_settings import TrainSettings
from lauter.student.validation import check_same_codec, reduced


@dataclass(frozen=True)
class Lesson:
    """What a step is learnt from: its batches, the loss, and who teaches at a batch's places.

    ``figures`` are what else is to be logged of it.
    """

    step: Step
    loss: LossSettings
    teacher: Callable[[Batch], TeacherTop | Tensor | None]
    figures: Mapping[str, float] = field(default_factory=dict)


class OnPolicy:
    """The teacher of a run's on-policy steps, and the copy of the student that speaks in them."""

    def __init__(
        self,
        settings: TrainSettings,
        packs: Packs,
        speaker: SpeechModel,
        device: torch.device,
        tokenizer: TextTokenizer,
    ) -> None:
        """Open the teacher; ``speaker`` is a plain model of the student's shape.

        Raises ``UsageError`` where the teacher reads other ids, speaks another codec's codes, never
        saw prompts such as it would be asked after, or cannot take in the longest example.
        """
        asked = settings.on_policy
        self._teacher = Teacher.open(
            asked.teacher or "", device=device, dtype=speaker.lm_head.weight.dtype
        )
        config, name = self._teacher.model.config, self._teacher.name
        self._teacher.check_reads_as(tokenizer)
        check_same_ids(config.vocabulary, speaker.config.vocabulary)
        check_same_codec(packs.examples.codec_fingerprint, self._teacher.codec_fingerprint, name)
        if settings.batches.reference_share and not self._teacher.facts.get(REFERENCE_TURNS):
            raise UsageError(
                f"{name} has never learnt to speak from a reference, so it cannot correct "
                "a student there; set distill.batches.reference_share=0, or take a teacher "
                "that has"
            )
        if packs.longest > config.context:
            raise UsageError(
                f"the longest example has {packs.longest} ids, more than the {config.context} of "
                f"{name}'s context; take a teacher with more, or leave such examples out"
            )
        self._context = min(config.context, speaker.config.context)
        self._speaker = speaker
        self._device = device
        self._asked = asked
        self._seed = settings.seed
        self._capacity = packs.pack_tokens
        self._sampling = Sampling(
            temperature=asked.temperature,
            top_p=1.0,  # what is never drawn is never corrected
            repetition_window=0,
            max_codes=self._context,
        )
        self._loss = replace(settings.loss, kind=asked.kind, teacher_weight=1.0)

    @property
    def fingerprint(self) -> str:
        """Digest of the teacher."""
        return self._teacher.fingerprint

    def is_due(self, step: int) -> bool:
        """Whether a step, counted from 0, is on-policy: their share is spread evenly."""
        share = self._asked.share
        return math.floor((step + 1) * share) > math.floor(step * share)

    def lesson(self, step: Step, number: int, engine: Engine) -> Lesson:
        """Let the student answer the prompts of its step ``number`` (all ranks together)."""
        copy_weights(engine, self._speaker)
        said = torch.zeros(2, dtype=torch.float64)
        batches = []
        for batch in step.batches:
            answered, ended = self._answered(batch, number)
            batches.append(answered)
            said += torch.tensor([len(answered.request_ids), ended])
        answers, ended = reduced(said, self._device).tolist()
        figures = {"answers": answers, "ended": ended / max(answers, 1)}
        return Lesson(replace(step, batches=tuple(batches)), self._loss, self._says, figures)

    def _answered(self, batch: Batch, number: int) -> tuple[Batch, int]:
        """Return a batch of the student's own answers, and how many of them reached the end.

        They take the places of the answers that were there, so rows may become longer.
        """
        asked = list(_prompts(batch))
        prompts = [prompt for _, prompt, _, _ in asked]
        said = generate(
            self._speaker,
            prompts,
            self._speaker.config.vocabulary,
            self._sampling,
            seeds=[self._seed_of(number, name) for _, _, name, _ in asked],
            limits=[
                min(int(self._asked.longest * len(record["codes"])), self._room(prompt))
                for _, prompt, _, record in asked
            ],
        )
        examples = spoken_examples(prompts, said, self._speaker.config.vocabulary)
        rows: dict[int, list[SpokenExample]] = {}
        for (row, _, name, record), example in zip(asked, examples, strict=True):
            rows.setdefault(row, []).append(SpokenExample(name, example, record))
        answered = [(spoken, [one.example.ids for one in spoken]) for spoken in rows.values()]
        return collate(answered, self._capacity), sum(one.ended for one in said)

    def _room(self, prompt: Ids) -> int:
        return self._context - len(prompt) - 1

    def _seed_of(self, number: int, name: str) -> int:
        return int(digest("lauter.on_policy.v1", f"{self._seed} {number} {name}")[:15], 16)

    def _says(self, batch: Batch) -> Tensor:
        """Return the teacher's logits, ``[places, vocabulary]``."""
        there = batch.to(self._device)
        return teacher_logits(self._teacher.model, there.ids, there.segments, there.places)


def _prompts(batch: Batch) -> Iterator[tuple[int, Ids, str, Mapping[str, Any]]]:
    """Yield each example's row, the ids before its codes, its request and its record."""
    known = zip(batch.request_ids, batch.records, strict=True)
    for row, (ids, segments) in enumerate(
        zip(batch.ids.numpy(), batch.segments.numpy(), strict=True)
    ):
        for segment in range(1, int(segments.max()) + 1):
            whole = ids[segments == segment]
            name, record = next(known)
            # Codes and the end of the turn come last.
            yield row, whole[: len(whole) - len(record["codes"]) - 1], name, record
