"""A teacher is any of our own models: what it would have said at each place of given speech.

Its answers are either kept, the likeliest entries of each place as a value of the column
``top_logits`` (``Teacher.score``), or used at once and whole, at the places of what a student has
just said (``teacher_logits``, on-policy).

A teacher is asked as its student will be: the same prompt, the same codes of the same codec. What
it is asked about is legal by construction, so it answers over the legal ids alone, and the head is
multiplied by these alone. With one example at a time its answer does not depend on its neighbours;
batches are for GPUs, where rounding may differ in the last step of 1/16 nat.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lauter.datasets.codes import GROUP, find_fault
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.layout import (
    END,
    PAD,
    Example,
    Ids,
    Vocabulary,
    speech_example,
    speech_prompt,
    tag_words,
)
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer
from lauter.datasets.top_logits import MOST_NAMED, TopLogits, cut
from lauter.student.checkpoint import (
    check_tokenizer,
    load_model,
    load_tokenizer,
    read_config,
    stored_weights,
    weight_shapes,
)
from lauter.student.generation import Generated
from lauter.student.legal import legal_parts
from lauter.student.model import SpeechModel

READS = (
    "request_id", "text", "dialect", "emotion", "emotion_level", "style", "speed_level", "speaker",
    "codes",
    "codec_fingerprint",
)  # fmt: skip
"""Columns of a row that a teacher is asked about."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an answer: at most ``k`` entries a place, fewer where these have ``mass``."""

    k: int = 32
    mass: float = 0.99

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for settings that keep nothing, or more than there is room for."""
        if not 1 <= self.k <= MOST_NAMED:
            raise UsageError(f"teach.k is {self.k}; set 1 to {MOST_NAMED} entries a place")
        if not 0 < self.mass <= 1:
            raise UsageError(f"teach.mass is {self.mass:g}; set a share above 0, up to 1")


class Teacher:
    """A model that scores speech, with the codec and the tokenizer that it has learnt by."""

    def __init__(
        self,
        model: SpeechModel,
        facts: Mapping[str, Any],
        *,
        name: str = "this model",
        kept: Kept | None = None,
        tokenizer: TextTokenizer | None = None,
    ) -> None:
        """Take a model and the facts of its ``student.json``; ``name`` is for messages.

        Raises ``UsageError`` where the facts name no codec, or another tokenizer.
        """
        self.model = model.eval()
        self.name = name
        self.facts = facts
        self.kept = kept or Kept()
        self._tokenizer = tokenizer or ByteTokenizer()
        self._vocabulary = model.config.vocabulary
        if not facts.get("codec_fingerprint"):
            raise UsageError(
                f"{name} does not say whose codes it speaks (its student.json has no "
                "codec_fingerprint); take a model that `lauter distill` trained"
            )
        self.codec_fingerprint = str(facts["codec_fingerprint"])
        check_tokenizer(self._tokenizer, model.config, facts, name)
        # Answers are kept at temperature 1, from which any other can be had.
        self.fingerprint = content_id(
            "lauter.top_logits.v1",
            {"weights": weights_digest(model), "temperature": 1.0, **asdict(self.kept)},
        )

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        kept: Kept | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ) -> "Teacher":
        """Load a teacher from a student's folder; raises ``UsageError`` where there is none."""
        model, facts = load_model(folder, device=device, dtype=dtype)
        tokenizer = load_tokenizer(folder)
        return cls(model, facts, name=f"the teacher {folder}", kept=kept, tokenizer=tokenizer)

    def check_reads_as(self, tokenizer: TextTokenizer) -> None:
        """Raise ``UsageError`` where a student's ids of text mean another thing to the teacher."""
        theirs, ours = self._tokenizer.fingerprint(), tokenizer.fingerprint()
        if theirs != ours:
            raise UsageError(
                f"{self.name} reads text by the tokenizer {theirs}, and the student by {ours}; let "
                "the student begin with new weights (distill.init=null) and set distill.tokenizer "
                "to the teacher's folder"
            )

    def example(self, row: Mapping[str, Any]) -> Example:
        """Return what a row of a corpus or an export asks; it has the columns ``READS``.

        Raises ``UsageError`` where the row has no codes, those of another codec, no valid stream of
        them, or more than the teacher can take in.
        """
        name = row["request_id"]
        if row["codes"] is None:
            raise UsageError(
                f"the utterance {name} has no codes, and {self.name} speaks those of the codec "
                f"{self.codec_fingerprint}; run `lauter codec encode` with this codec"
            )
        if row["codec_fingerprint"] != self.codec_fingerprint:
            raise UsageError(
                f"the codes of the utterance {name} are of the codec {row['codec_fingerprint']}, "
                f"and {self.name} speaks those of {self.codec_fingerprint}; "
                "run `lauter codec encode` with the teacher's codec, or take another teacher"
            )
        prompt = speech_prompt(
            self._tokenizer, self._vocabulary, tag_words(row) + row["text"], system=row["speaker"]
        )
        example = speech_example(prompt, self._vocabulary, row["codes"], f"the utterance {name}")
        if len(example.ids) > self.model.config.context:
            raise UsageError(
                f"the utterance {name} has {len(example.ids)} ids, more than the "
                f"{self.model.config.context} of {self.name}'s context; leave it out, or take a "
                "teacher with more"
            )
        return example

    @torch.no_grad()
    def score(self, examples: Sequence[Example]) -> list[TopLogits]:
        """Return what the teacher would have said at each target place of each example.

        The examples go through the model together.
        """
        device = self.model.lm_head.weight.device
        ids, segments = _padded(examples)
        targets = [np.flatnonzero(example.is_target) for example in examples]
        starts = np.arange(len(examples)) * ids.shape[1]
        # What stands before a target foretells it.
        places = np.concatenate([start + of - 1 for start, of in zip(starts, targets, strict=True)])
        slots = np.concatenate([np.arange(len(of)) % GROUP for of in targets])
        hidden = self.model.hidden(ids.to(device), segments.to(device))
        at_places = hidden.flatten(0, 1)[torch.from_numpy(places).to(device)]
        top = self._top(at_places, torch.from_numpy(slots).to(device))
        ends = np.cumsum([len(of) for of in targets])[:-1]
        parts = (np.split(array, ends) for array in (top.entries, top.log_probabilities, top.tail))
        answers = (TopLogits(*arrays) for arrays in zip(*parts, strict=True))
        return [cut(answer, self.kept.mass) for answer in answers]

    def _top(self, hidden: Tensor, slots: Tensor) -> TopLogits:
        """Return the k likeliest legal entries at each place of ``hidden`` ``[places, hidden]``."""
        places, k = len(slots), self.kept.k
        entries = np.full((places, k), -1, np.int16)
        logs = np.full((places, k), -np.inf, np.float32)
        tail = np.zeros(places, np.float32)
        head = self.model.lm_head.weight
        for part in (part for parts in legal_parts(self._vocabulary) for part in parts):
            rows = part.rows(slots)
            said = hidden.index_select(0, rows).float() @ part.columns(head.T).float()
            best, mass_of_rest = _likeliest(said, min(k, part.legal))
            at = rows.cpu().numpy()
            entries[at, : best.indices.shape[1]] = best.indices.cpu().numpy()
            logs[at, : best.values.shape[1]] = best.values.cpu().numpy()
            tail[at] = mass_of_rest.cpu().numpy()
        return TopLogits(entries, logs, tail)


def _likeliest(logits: Tensor, k: int) -> tuple[Any, Tensor]:
    """Return the k greatest log-probabilities of each row, and the mass of the others.

    In 64 bits, in which one minus the named mass still tells a small tail.
    """
    best = logits.double().log_softmax(-1).topk(k, -1)
    return best, (1 - best.values.exp().sum(-1)).clamp(min=0)


def _padded(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Return ids and segments, int64 ``[examples, time]``, padded at the end."""
    time = max(len(example.ids) for example in examples)
    ids = np.full((len(examples), time), PAD, np.int64)
    segments = np.zeros_like(ids)
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = example.ids
        segments[row, : len(example.ids)] = 1
    return torch.from_numpy(ids), torch.from_numpy(segments)


def weights_digest(model: SpeechModel) -> str:
    """Return a digest of a model's weights, by name, type, shape and value."""
    return _digest(sorted(model.state_dict().items()))


def stored_weights_digest(folder: str | Path, dtype: torch.dtype | None = None) -> str:
    """Return the ``weights_digest`` of the model in a folder without ever holding all of it.

    ``dtype`` None is that of the file. Raises ``UsageError`` as ``load_model`` does.
    """
    place = Path(folder)
    shapes = weight_shapes(read_config(place))
    read = (
        (name, value.to(dtype or value.dtype))
        for each in sorted(shapes)
        for name, value in stored_weights(place, {each: shapes[each]})
    )
    return _digest(read)


def _digest(weights: Iterable[tuple[str, Tensor]]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for name, tensor in weights:
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def spoken_examples(
    prompts: Sequence[Ids], generated: Sequence[Generated], vocabulary: Vocabulary
) -> list[Example]:
    """Return what a student said as examples for an on-policy loss.

    Their places are all that it said, up to the first fault or the last whole group; the end is
    among them where it was said after a whole group.
    """
    examples = []
    for prompt, said in zip(prompts, generated, strict=True):
        fault = find_fault(said.codes)
        heard = len(said.codes) if fault is None else fault.position
        whole = heard - heard % GROUP
        end = [END] if said.ended and whole == len(said.codes) else []
        ids = np.concatenate([prompt, vocabulary.ids_of(said.codes[:whole]), end]).astype(np.int64)
        examples.append(Example(ids, np.arange(len(ids)) >= len(prompt)))
    return examples


@torch.no_grad()
def teacher_logits(teacher: SpeechModel, ids: Tensor, segments: Tensor, places: Tensor) -> Tensor:
    """Return a teacher's logits, float ``[places, vocabulary]``, at places of a batch.

    ``ids`` and ``segments`` are int64 ``[rows, time]``, ``places`` numbers in the flattened
    ``[rows * time]``, as a batch of training has them. The teacher must read the student's ids:
    see ``check_same_ids``.
    """
    hidden = teacher.hidden(ids, segments).flatten(0, 1)
    return teacher.head(hidden.index_select(0, places))


def check_same_ids(teacher: Vocabulary, student: Vocabulary) -> None:
    """Raise ``UsageError`` where an id of the student's means another thing to the teacher."""
    if teacher.text_size != student.text_size or teacher.size != student.size:
        raise UsageError(
            f"the teacher has {teacher.size} ids, {teacher.text_size} of them for text, and the "
            f"student {student.size} and {student.text_size}: it cannot score the student's ids; "
            "take a teacher of the same vocabulary, or cached logits, which do without"
        )
