"""From prompts to speech codes: batched sampling with a cache, under checks.

A row's codes depend on its prompt and its seed alone, up to rounding: each row draws from its own
stream of random numbers, prompts are padded on the left (only distances count, see
``attention.py``), and a row that has ended leaves the batch. What a codec could not decode is not
sampled: in each slot of ``L L S S S`` only its own book is legal, and the end only between groups.
Whether the end was reached is said of every row; a model that runs on until its limit has not
spoken its text, however good it sounds.

Repetition is held back as in the released code: where the last id fills more than a share of the
last ids, it may not come again at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from lauter.datasets.codes import (
    CODES,
    GROUP,
    LINGUISTIC_ENTRIES,
    LINGUISTIC_PER_GROUP,
    Codes,
    find_fault,
)
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import END, Ids, Vocabulary
from lauter.student.model import KeyValueCache, SpeechModel

_CACHE_STEP: Final = 256
"""Caches grow by so many places: memory for what was said, not for what might be."""
_LIKELIEST: Final = 64


@dataclass(frozen=True, slots=True)
class Sampling:
    """How ids are drawn.

    ``temperature`` 0 takes the most probable id; ``top_p`` draws of the fewest ids that hold this
    share of the probability. Where the last id fills more than ``repetition_threshold`` of the last
    ``repetition_window`` ids (0: no matter), it may not follow itself. At most ``max_codes`` codes
    are spoken. ``constrained`` allows only what is legal at each place.
    """

    temperature: float = 0.3
    top_p: float = 0.9
    repetition_window: int = 10
    repetition_threshold: float = 0.1
    max_codes: int = 2048
    constrained: bool = True

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for settings that make no sense."""
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"temperature is {self.temperature}; set 0 or more")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p}; set a share above 0, up to 1")
        if self.repetition_window < 0 or not 0 <= self.repetition_threshold <= 1:
            raise UsageError(
                f"a repetition window of {self.repetition_window} with the threshold "
                f"{self.repetition_threshold} makes no sense; set a number of ids and a share"
            )
        if self.max_codes < GROUP:
            raise UsageError(f"max_codes is {self.max_codes}; set {GROUP} (one group) or more")


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model said to a prompt.

    ``codes`` are without the end; ``ended`` says whether the model said it; ``fault`` says what is
    wrong with the codes (None: nothing), and ``tokens`` counts all ids that were drawn.
    """

    codes: Codes
    ended: bool
    fault: str | None
    tokens: int


@torch.inference_mode()
def generate(
    model: SpeechModel,
    prompts: Sequence[Ids],
    vocabulary: Vocabulary,
    sampling: Sampling,
    *,
    seeds: Sequence[int],
    limits: Sequence[int] | None = None,
) -> list[Generated]:
    """Return, in order, what the model says to each prompt.

    ``limits`` are each row's most codes, where a text says how long it can be; never more than
    ``sampling.max_codes`` nor than the model's context has room for. Raises ``UsageError`` for a
    prompt after which the context has no room for one group and the end.
    """
    if not prompts:
        return []
    rooms = [_room(model, prompt) for prompt in prompts]
    wanted = [sampling.max_codes] * len(prompts) if limits is None else limits
    most = [
        max(GROUP, min(sampling.max_codes, limit, room) // GROUP * GROUP)
        for limit, room in zip(wanted, rooms, strict=True)
    ]
    was_training = model.training
    model.eval()
    try:
        said = _sample(model, prompts, vocabulary, sampling, seeds, most)
    finally:
        model.train(was_training)
    return [_result(ids, vocabulary) for ids in said]


def _room(model: SpeechModel, prompt: Ids) -> int:
    """Return how many codes fit after a prompt, beside the end."""
    room = model.config.context - len(prompt) - 1
    if room < GROUP:
        raise UsageError(
            f"the text and its reference are {len(prompt)} ids, and the model's context of "
            f"{model.config.context} has no room for speech after them; "
            "shorten the text, or the reference"
        )
    return room


def _result(ids: list[int], vocabulary: Vocabulary) -> Generated:
    ended = bool(ids) and ids[-1] == END
    codes = vocabulary.codes_of(ids[:-1] if ended else ids)
    fault = find_fault(codes)
    what = f"at position {fault.position} the stream {fault.what}" if fault else None
    return Generated(codes, ended, what, len(ids))


def _sample(
    model: SpeechModel,
    prompts: Sequence[Ids],
    vocabulary: Vocabulary,
    sampling: Sampling,
    seeds: Sequence[int],
    most: Sequence[int],
) -> list[list[int]]:
    """Return the ids that each row says, with the end where it is reached.

    Every row may draw one id more than its ``most`` codes: the end.
    """
    device = model.lm_head.weight.device
    streams = [np.random.default_rng(seed % 2**64) for seed in seeds]
    ids, segments = left_padded(prompts, device)
    cache = model.empty_cache(len(prompts), ids.shape[1] + _CACHE_STEP)
    said: list[list[int]] = [[] for _ in prompts]
    recent = ids
    rows = list(range(len(prompts)))
    legal = legal_ids(vocabulary, device)
    logits = _next(model, cache, ids, segments)
    for step in range(max(most) + 1):
        scores = logits.float()
        hold_back_repetition(scores, recent, sampling)
        if sampling.constrained:
            scores.masked_fill_(~legal[step % GROUP], -torch.inf)
        draws = [streams[row].random() for row in rows]
        drawn = draw(scores, sampling, torch.tensor(draws, dtype=torch.float64, device=device))
        going_on = []
        for place, (row, one) in enumerate(zip(rows, drawn.tolist(), strict=True)):
            # Whole groups alone: where the limit is reached, only the end may still be said.
            if len(said[row]) < most[row] or one == END:
                said[row].append(one)
            if one != END and len(said[row]) == step + 1:
                going_on.append(place)
        if not going_on:
            break
        if len(going_on) < len(rows):
            kept = torch.tensor(going_on, device=device)
            rows = [rows[place] for place in going_on]
            drawn, recent = drawn[kept], recent[kept]
            cache.keep(kept)
        recent = torch.cat([recent, drawn[:, None]], 1)[:, -max(1, sampling.repetition_window) :]
        logits = _next(model, cache, drawn[:, None])
    return said


def left_padded(prompts: Sequence[Ids], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return prompts as one array, padded before their beginnings, and which of it is real."""
    longest = max(map(len, prompts))
    ids = np.zeros((len(prompts), longest), np.int64)
    segments = np.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = prompt
        segments[row, longest - len(prompt) :] = 1
    return torch.from_numpy(ids).to(device), torch.from_numpy(segments).to(device)


def legal_ids(vocabulary: Vocabulary, device: torch.device) -> Tensor:
    """Return which ids may stand in which slot, bool ``[slots, vocabulary]``."""
    legal = torch.zeros(GROUP, vocabulary.size, dtype=torch.bool, device=device)
    first = vocabulary.text_size
    semantic = first + LINGUISTIC_ENTRIES
    legal[:LINGUISTIC_PER_GROUP, first:semantic] = True
    legal[LINGUISTIC_PER_GROUP:, semantic : first + CODES] = True
    legal[0, END] = True
    return legal


def hold_back_repetition(scores: Tensor, recent: Tensor, sampling: Sampling) -> None:
    """Forbid, in place, the last id to rows in which it fills too much of the window."""
    window = sampling.repetition_window
    if not window:
        return
    last = recent[:, -1:]
    share = (recent[:, -window:] == last).sum(1, keepdim=True) / window
    held = torch.where(share > sampling.repetition_threshold, -torch.inf, scores.gather(1, last))
    scores.scatter_(1, last, held)


def draw(scores: Tensor, sampling: Sampling, draws: Tensor) -> Tensor:
    """Return an id for each row of ``scores`` ``[rows, vocabulary]``, int64 ``[rows]``.

    ``draws`` are uniform in 0…1, one a row: the same draw finds the same id. Sorting a vocabulary
    can take as long as a small model, so the few likeliest ids are looked at first, and all of
    them only for rows in which those do not hold ``top_p``.
    """
    if sampling.temperature == 0:
        return scores.argmax(1)
    # Less the greatest: else a small temperature makes infinities of all of them.
    lowered = scores - scores.max(1, keepdim=True).values
    probable = (lowered / sampling.temperature).softmax(1)
    top, ids = probable.topk(min(_LIKELIEST, probable.shape[1]), dim=1)
    drawn = _drawn(top, ids, sampling.top_p, draws)
    flat = top.sum(1) < sampling.top_p
    if flat.any():
        everything, order = probable[flat].sort(dim=1, descending=True, stable=True)
        drawn[flat] = _drawn(everything, order, sampling.top_p, draws[flat])
    return drawn


def _drawn(probable: Tensor, ids: Tensor, top_p: float, draws: Tensor) -> Tensor:
    """Return an id of each row's ``ids``, whose probabilities fall."""
    below = probable.cumsum(1) - probable
    cut = below >= top_p
    cut[:, 0] = False  # the likeliest stays, however small a share is wanted
    probable = probable.masked_fill(cut, 0.0)
    heap = probable.double().cumsum(1)
    place = (heap <= (draws * heap[:, -1])[:, None]).sum(1, keepdim=True)
    # Rounding must not lead to an id that was cut off.
    last = (probable > 0).sum(1, keepdim=True) - 1
    return ids.gather(1, place.minimum(last)).squeeze(1)


def _next(
    model: SpeechModel, cache: KeyValueCache, ids: Tensor, segments: Tensor | None = None
) -> Tensor:
    """Take in ids ``[rows, time]``; return the logits after the last, ``[rows, vocabulary]``."""
    if cache.length + ids.shape[1] > cache.segments.shape[1]:
        cache.grow(_CACHE_STEP)
    return model.head(model.hidden(ids, segments, cache)[:, -1])
