"""Quotas: how many prompts of each kind, filled from a pool of texts.

A quota names a cell (dialect, emotion and level, style, speed level, speaker) and how many prompts
it gets; where it leaves the dialect or speaker open, each dialect gets so many, and its speakers
take turns. In a cell no text comes again before all have been used, no speaker has two prompts
more than another, and no text comes twice from one speaker.

Where levels are chains, a quota of a level asks for the same texts by the same speakers at every
level up to it: the steps of an edit that is done again and again. The neutral speech that a chain
begins with is planned with it.

What a cell draws depends on the seed, the texts and the cell alone: not on the order of the texts,
not on the other quotas, and a raised count only adds. So a run with greater quotas goes on from
what a corpus has. A grown pool of texts is another draw. Texts that were written for a dialect, an
emotion or a level (columns ``dialect``, ``emotion``, ``emotion_level``, where a source has them and
they are set) are drawn for no other.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import canonical_json
from lauter.datasets.prompts.cell import Cell, chain_of
from lauter.datasets.prompts.pools import TextPools
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Dialect, Emotion, Style
from lauter.datasets.voices import Voice

_DIALECTS = [dialect.value for dialect in Dialect]
_LARGEST_LEVEL = 99  # far beyond any teacher's, and within the column's eight bits


@dataclass(frozen=True, slots=True)
class Quota:
    """``count`` prompts of one manner, in one dialect or in each, by one speaker or in turns."""

    count: int | None
    """None: as many as there are texts, which is each text once."""
    emotion: str = Emotion.NEUTRAL.value
    emotion_level: int = 0
    style: str = Style.PLAIN.value
    speed_level: int = 0
    dialect: str = ""
    """Empty: each dialect gets ``count``."""
    speaker: str = ""
    """Empty: the dialect's speakers take turns."""

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for a figure that is none, or a count below zero."""
        for name in ("count", "emotion_level", "speed_level"):
            value = getattr(self, name)
            if name == "count" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise UsageError(f"a quota's {name} is '{value}'; set a whole number")
        if self.count is not None and self.count < 0:
            raise UsageError(f"a quota's count is {self.count}; set 0 or more")
        for name in ("emotion_level", "speed_level"):
            if abs(getattr(self, name)) > _LARGEST_LEVEL:
                raise UsageError(f"a quota's {name} is {getattr(self, name)}; no level is so high")


class Draw:
    """Texts, voices and a seed, from which each cell draws its prompts.

    ``texts`` has the columns of ``TEXT_SCHEMA``; a text that stands there twice counts once.
    ``chains`` says that levels are chains.
    ``can`` says which voices can speak a cell, where not all can do the same; a cell that none can
    speak is drawn for all. Raises ``UsageError`` where a dialect is unknown or has no text. A
    dialect without a voice, or a speaker that is nobody's, is drawn as well: planning refuses it
    with a sentence, and nothing is dropped in silence.
    """

    def __init__(
        self,
        quotas: Sequence[Quota],
        dialects: Sequence[str],
        speakers_per_dialect: int,
        texts: pa.Table,
        voices: Sequence[Voice],
        seed: int,
        can: Callable[[Cell, Voice], bool] = lambda cell, voice: True,
        *,
        chains: bool = False,
    ) -> None:
        if speakers_per_dialect < 1:
            raise UsageError(
                f"quotas.speakers_per_dialect is {speakers_per_dialect}; set 1 or more"
            )
        dialects = list(dict.fromkeys(dialects))
        named = [quota.dialect for quota in quotas if quota.dialect]
        _check_dialects([*dialects, *named])
        self._seed = seed
        self.chains = chains
        pools = TextPools(texts, by_level=not chains)
        self.counts = _counts(quotas, dialects, pools, chains)
        """How many prompts the quotas ask of each cell."""
        self._pools = {cell: pools.of(cell) for cell in self.counts}
        self._speakers = {}
        for cell in self.counts:
            able = [voice for voice in voices if can(cell, voice)] or voices
            known = _speakers(able, cell.dialect, speakers_per_dialect, seed)
            self._speakers[cell] = [cell.speaker] if cell.speaker else known

    def capacity(self, cell: Cell) -> int:
        """Return how many different prompts a cell can draw."""
        texts: int = self._pools[cell].num_rows
        return texts * len(self._speakers[cell])

    def speakers(self, cell: Cell) -> Sequence[str]:
        """Return who takes turns in a cell."""
        return self._speakers[cell]

    def within_capacity(self) -> dict[Cell, int]:
        """Return the quotas' counts, bounded by the different prompts that there are."""
        return {cell: min(count, self.capacity(cell)) for cell, count in self.counts.items()}

    def prompts(self, counts: Mapping[Cell, int]) -> pa.Table:
        """Return so many prompts of each cell (``PROMPT_SCHEMA``); a raised count only adds.

        Raises ``UsageError`` where a cell asks for more than it has room for.
        """
        drawn: list[Prompt] = []
        for cell, count in counts.items():
            pool, speakers = self._pools[cell], self._speakers[cell]
            order = chain_of(cell)[-1] if self.chains else cell
            drawn += _drawn(cell, count, pool, speakers, order, self._seed)
        return table_from_prompts(drawn)


def _counts(
    quotas: Sequence[Quota], dialects: Sequence[str], pools: TextPools, chains: bool
) -> dict[Cell, int]:
    """Return how many prompts each cell gets; quotas for one cell add up."""
    counts: dict[Cell, int] = {}
    for quota in quotas:
        for dialect in [quota.dialect] if quota.dialect else dialects:
            cell = Cell(
                dialect,
                quota.emotion,
                quota.emotion_level,
                quota.style,
                quota.speed_level,
                quota.speaker,
            )
            count = pools.of(cell).num_rows if quota.count is None else quota.count
            for link in reversed(chain_of(cell)) if chains else [cell]:
                counts[link] = counts.get(link, 0) + count
    for cell in counts:
        if cell.speaker and replace(cell, speaker="") in counts:
            raise UsageError(
                f"the quotas ask for {cell} and for the same by any speaker, which may be one "
                "prompt twice; name the speaker in all quotas of a manner, or in none"
            )
    return counts


def _check_dialects(dialects: Sequence[str]) -> None:
    for dialect in dialects:
        if dialect not in _DIALECTS:
            raise UsageError(f"there is no dialect '{dialect}'; choose from {', '.join(_DIALECTS)}")


def _speakers(voices: Sequence[Voice], dialect: str, count: int, seed: int) -> list[str]:
    """Return ``count`` speakers of a dialect, drawn by the seed; nameless if it has no voice."""
    speakers = sorted({voice.speaker for voice in voices if voice.dialect == dialect})
    order = _shuffled(len(speakers), f"{seed}/speakers/{dialect}")
    return [speakers[number] for number in order[:count]] or [""]


def _drawn(
    cell: Cell, count: int, pool: pa.Table, speakers: Sequence[str], order_of: Cell, seed: int
) -> Iterator[Prompt]:
    """Yield the prompts of a cell, drawn in the order of ``order_of``: a chain's all draw alike."""
    texts = pool.num_rows
    if count > texts * len(speakers) and speakers != [""]:
        raise UsageError(
            f"the quotas ask for {count} prompts of {cell}, but there are only "
            f"{texts * len(speakers)} different ones (texts: {texts}, speakers: {len(speakers)}); "
            "ask for fewer, add texts or raise quotas.speakers_per_dialect"
        )
    order = _shuffled(texts, canonical_json({"seed": seed, **asdict(order_of)}))
    rows = pool.take(pa.array(order[:count])).to_pylist()
    # Texts and speakers both go round. After so many prompts both would be back where they began,
    # and one speaker is passed over, so that each text meets each speaker before any meet again.
    cycle = math.lcm(texts, len(speakers))
    # Not every cell begins with the same speaker: many cells are small.
    first = int(_shuffled(len(speakers), f"{seed}/first/{order_of}")[0])
    for number in range(count):
        row = rows[number % texts]
        yield Prompt(
            row["text"],
            Dialect(cell.dialect).language.value,
            cell.dialect,
            cell.emotion,
            cell.emotion_level,
            cell.style,
            cell.speed_level,
            speakers[(first + number + number // cycle) % len(speakers)],
            row["text_source"],
            row["text_licence"],
        )


def _shuffled(count: int, key: str) -> NDArray[np.int64]:
    """Return 0 … ``count`` − 1 in an order that only ``key`` decides.

    Of numpy's generators, only the raw numbers of a bit generator are the same in all versions.
    """
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    numbers = np.random.PCG64(int.from_bytes(digest)).random_raw(count)
    return np.argsort(numbers, kind="stable")
