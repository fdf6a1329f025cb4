"""The rule-based writer, behind the protocol of all writers."""

import functools
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.builtin_set import LICENCE
from lauter.datasets.tags import Dialect, Emotion, Language
from lauter.teacher.writer.balance import lot
from lauter.teacher.writer.checks import faults_of, tidy
from lauter.teacher.writer.faults import Fault, FaultKind
from lauter.teacher.writer.protocol import Conditions, Draft, Reply
from lauter.teacher.writer.rules.chinese import turned
from lauter.teacher.writer.rules.framing import framed
from lauter.teacher.writer.rules.neutral import neutral
from lauter.teacher.writer.rules.word_tables import situations, tables_digest, variety_of
from lauter.teacher.writer.task import Ask, Kind, Lengths, Seed, Wanted

VERSION: Final = 1
"""Raised when the rules change; changed tables show in the digest."""
_LANGUAGES: Final = (Language.ENGLISH, Language.CHINESE, Language.JAPANESE)


class RuleWriter:
    """Writes from our tables; the same lengths and seed give the same texts."""

    name: Final = f"rules-{VERSION}"
    licence: Final = LICENCE
    attempts: Final = 100
    """Asking again costs nothing, and gives the next texts."""

    def __init__(self, conditions: Conditions) -> None:
        self._lengths = conditions.lengths
        self._seed = conditions.seed
        self._given: Counter[tuple[Wanted, Kind]] = Counter()
        self._kinds: dict[Wanted, tuple[Kind, ...]] = {}
        self._pool = functools.cache(self._made)

    def wanted(self, dialect: str) -> tuple[str, str]:
        """Return language and dialect of its texts.

        English and Japanese ones are for every dialect; raises ``UsageError`` for Korean.
        """
        language = Dialect(dialect).language
        if language not in _LANGUAGES:
            raise UsageError(
                f"the rules write no {dialect}; they write English, Mandarin, Cantonese, "
                "Sichuanese and Japanese: drop it from the dialects, or have a model write its "
                "texts (`lauter write writer=endpoint`)"
            )
        return language.value, dialect if language == Language.CHINESE else ""

    def identity(self) -> Mapping[str, Any]:
        """Return its name and version."""
        return {"name": self.name}

    def template(self, wanted: Wanted) -> str:
        """Return the digest of the tables."""
        return tables_digest(wanted.language, variety_of(wanted.language, wanted.dialect))

    def stock(self, wanted: Wanted, kinds: Sequence[Kind]) -> Mapping[Kind, int]:
        """Return how many texts there are of each kind, near-duplicates among them."""
        there = self._pool(wanted)
        self._kinds[wanted] = tuple(kind for kind in kinds if kind in there)
        return {kind: len(there[kind]) for kind in self._kinds[wanted]}

    def write(self, asks: Sequence[Ask]) -> Generator[Reply, None, None]:
        """Yield the next texts of each ask's kind, and of others that are wanted when it has none.

        Those of the same topic come before those of another.
        """
        for ask in asks:
            wanted, kind = ask.task.wanted, ask.task.kind
            drafts = self._some(wanted, [kind], ask.count)
            if len(drafts) < ask.count:
                drafts += self._some(wanted, self._others(wanted, kind), ask.count - len(drafts))
            short = ask.count - len(drafts)
            told = f"the rules have no more texts of {wanted}; {short} are missing"
            faults = (Fault(FaultKind.NO_MORE, told),) if short else ()
            yield Reply(tuple(drafts), faults, is_checked=True, is_final=bool(short))

    def _others(self, wanted: Wanted, kind: Kind) -> list[Kind]:
        others = [other for other in self._kinds.get(wanted, ()) if other != kind]
        return sorted(others, key=lambda one: (one.topic != kind.topic, lot("", str(one))))

    def _some(self, wanted: Wanted, kinds: Iterable[Kind], count: int) -> list[Draft]:
        """Return the next texts of some kinds, as far as they go."""
        drafts: list[Draft] = []
        for kind in kinds:
            first = self._given[wanted, kind]
            fresh = self._pool(wanted).get(kind, [])[first : first + count - len(drafts)]
            self._given[wanted, kind] += len(fresh)
            drafts += fresh
        return drafts

    def close(self) -> None:
        """There is nothing to let go of."""

    def _made(self, wanted: Wanted) -> dict[Kind, list[Draft]]:
        """Return all good texts by kind, so ordered that situations take turns."""
        by_kind: dict[Kind, dict[str, list[str]]] = {}
        for kind, text, seed in _good(self._candidates(wanted), wanted, self._lengths):
            by_kind.setdefault(kind, {}).setdefault(seed, []).append(text)
        key = f"{self._seed}/{wanted}"
        return {kind: list(_in_turns(kind, by_seed, key)) for kind, by_seed in by_kind.items()}

    def _candidates(self, wanted: Wanted) -> Iterator[tuple[Kind, str, str]]:
        variety = variety_of(wanted.language, wanted.dialect)
        if wanted.emotion == Emotion.NEUTRAL:
            yield from neutral(wanted)
            return
        for situation in situations(wanted.language):
            if situation.emotion != wanted.emotion:
                continue
            said: str | None = situation.text
            if variety != wanted.language.value:
                said = turned(situation.text, variety)
            if said is not None:
                for kind, text in framed(situation, said, wanted, variety):
                    yield kind, text, situation.text


def _good(
    candidates: Iterable[tuple[Kind, str, str]], wanted: Wanted, lengths: Mapping[str, Lengths]
) -> list[tuple[Kind, str, str]]:
    """Return what passes the checks, each text once."""
    there = {(kind, tidy(text)): seed for kind, text, seed in candidates}
    faults = faults_of([text for _, text in there], wanted, lengths[wanted.language])
    return [
        (kind, text, seed)
        for ((kind, text), seed), fault in zip(there.items(), faults, strict=True)
        if fault is None
    ]


def _in_turns(kind: Kind, by_seed: Mapping[str, list[str]], key: str) -> Iterator[Draft]:
    """Yield every seed's first text, then every seed's second, each in an order of its own."""
    orders = {
        seed: sorted(texts, key=lambda text: lot(key, text)) for seed, texts in by_seed.items()
    }
    seeds = sorted(orders, key=lambda seed: lot(key, seed))
    for turn in range(max(map(len, orders.values()))):
        for seed in seeds:
            if turn < len(orders[seed]):
                yield Draft(orders[seed][turn], Seed(seed, LICENCE), kind)
