"""A student measured while it trains: it speaks a handful of texts, and what it said is scored.

Loss says how well codes are foretold and little of whether the speech can be understood. So every
so many steps the student speaks, its codec decodes, a recogniser listens; the error rate chooses
the checkpoint that is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

from lauter.datasets.loader import SpeechLoader
from lauter.datasets.text_tokens import TextTokenizer
from lauter.filters.asr import AsrScorer
from lauter.filters.error_rate import ErrorRateScorer
from lauter.filters.speaker import SpeakerScorer
from lauter.pipelines.evaluate import evaluate
from lauter.pipelines.evaluation_items import Item, items_of_export
from lauter.pipelines.evaluation_report import SystemFigures, report
from lauter.pipelines.evaluation_student import StudentSpeaks
from lauter.pipelines.score import ScorerFactory
from lauter.student.codec.codec import Codec, open_codec
from lauter.student.evaluation import Bootstrap
from lauter.student.facts import REFERENCE_TURNS
from lauter.student.generation import Sampling
from lauter.student.model import SpeechModel
from lauter.student.speak import Student
from lauter.student.timbres import check_codec

SCORERS: Final = cast(tuple[ScorerFactory, ...], (SpeakerScorer, AsrScorer, ErrorRateScorer))
"""What is measured by default."""
_ENOUGH_RESAMPLES: Final = 100
"""Only the figures are wanted, not their intervals."""


@dataclass(frozen=True)
class SpeakEvaluation:
    """Evaluates a model on the first ``count`` samples of an export's split.

    It can be sent to other processes; codec, recogniser and texts are opened on first use and
    kept.
    """

    data: str | Path
    split: str = "valid"
    count: int = 8
    codec: str | Path | None = None
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    reference_turns: bool = False
    open_scorers: Sequence[ScorerFactory] = SCORERS

    def __call__(self, model: SpeechModel, tokenizer: TextTokenizer) -> dict[str, float]:
        """Return ``cer``, ``wer`` and ``speaker_similarity`` where they apply, and ``failed``.

        ``failed`` is the share of texts without an answer, which count as wholly wrong.
        """
        student = Student(
            model,
            {REFERENCE_TURNS: self.reference_turns},
            self._codec,
            tokenizer=tokenizer,
            sampling=self.sampling,
            name="the student in training",
        )
        found = evaluate(self._items, [StudentSpeaks(student, self.seed)], self.open_scorers)
        figures = report(
            found, against=None, margin=0.0, bootstrap=Bootstrap(_ENOUGH_RESAMPLES, self.seed)
        )
        return _plain(figures.systems[StudentSpeaks.name])

    def check(self) -> None:
        """Raise ``UsageError`` where the codec is not the one that made the export's codes.

        To be asked before training, as it speaks for the first time when much has been learnt.
        """
        loader = SpeechLoader(
            self.data, split=self.split, batch_size=1, shuffle=False, rank=0, world=1
        )
        (first, *_), _ = next(iter(loader))
        if first.record.get("codec_fingerprint"):  # without codes training itself refuses it
            check_codec(first.record, self._codec, f"the export {self.data}")

    @cached_property
    def _codec(self) -> Codec:
        return open_codec(self.codec)

    @cached_property
    def _items(self) -> list[Item]:
        return items_of_export(self.data, split=self.split, count=self.count)


def make_speak_evaluation(
    data: str | Path,
    *,
    split: str = "valid",
    count: int = 8,
    codec: str | Path | None = None,
    sampling: Mapping[str, Any] | None = None,
    seed: int = 0,
    reference_turns: bool = False,
) -> Callable[[SpeechModel, TextTokenizer], dict[str, float]]:
    """Return what a trainer calls with its model every so many steps.

    ``sampling`` are the fields of a ``Sampling``, as they travel to other processes; with
    ``reference_turns`` the student goes on from recordings of its voices. Raises ``UsageError``
    where no codec is there, or not the one of the export's codes.
    """
    how = Sampling(**(sampling or {}))
    made = SpeakEvaluation(data, split, count, codec, how, seed, reference_turns)
    made.check()
    return made


def _plain(figures: SystemFigures) -> dict[str, float]:
    named = ("cer", "wer", "speaker_similarity")
    there = {name: figures.figures[name].value for name in named if name in figures.figures}
    return there | {"failed": figures.failed / figures.texts}
