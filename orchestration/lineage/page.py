"""The lineage page as HTML: every chain with its sounds, its measures and its path."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lauter.datasets.audio import Clip
from lauter.datasets.corpus import Corpus
from lauter.datasets.location import Location, write_whole
from lauter.datasets.mark_columns import SYNTHETIC_FIELD
from lauter.datasets.marked_rows import Marker
from lauter.datasets.marking import Marks
from lauter.datasets.records import REQUEST_SCHEMA
from lauter.orchestration.lineage.figures import Kind, reasons, total_monotone
from lauter.orchestration.lineage.plots import forest, limits_of, measures_plot
from lauter.orchestration.single_page import check_replaceable, generator_mark, render
from lauter.orchestration.sound import as_bytes
from lauter.pipelines.chains import MEASURES, MOVED, Chain

_HERE: Final = Path(__file__).parent
_AUDIT: Final = _HERE.parent / "audit"
MARK: Final = generator_mark("lineage")
"""By this the page is known as ours."""


def write_page(
    page: Location, corpus: Corpus, chains: Sequence[Chain], kinds: Sequence[Kind], shown: int
) -> None:
    """Write the page of ``corpus``, whole or not at all; ``shown`` chains of each kind are played.

    Which ones decides a digest of their roots: a fair sample that nobody chose.
    """
    check_replaceable(page, MARK)
    played = _sample(chains, shown)
    ids = {link.row["request_id"] for chain in played for link in (chain.root, *chain.links)}
    write_whole(page, _render(corpus, chains, kinds, played, _sounds(corpus, sorted(ids))))


def _render(
    corpus: Corpus,
    chains: Sequence[Chain],
    kinds: Sequence[Kind],
    played: Sequence[Chain],
    sounds: Mapping[str, bytes],
) -> str:
    limits = limits_of(chains)
    return render(
        "lineage.html",
        _HERE,
        _AUDIT,
        filters={},
        corpus=str(corpus.path),
        digest=corpus.digest(),
        policy=corpus.policy_name(corpus.policies()[-1]),
        chains=chains,
        kinds=kinds,
        monotone=total_monotone(chains),
        measure_names={MOVED: "all together", **MEASURES},
        reasons=reasons(chains),
        forest=forest(chains),
        rows=[(chain, measures_plot(chain, limits)) for chain in played],
        sounds=sounds,
    )


def _sample(chains: Sequence[Chain], shown: int) -> list[Chain]:
    taken: dict[str, int] = {}
    chosen: set[int] = set()
    for number in sorted(range(len(chains)), key=lambda number: _drawn(chains[number])):
        kind = chains[number].kind
        if taken.get(kind, 0) < shown:
            taken[kind] = taken.get(kind, 0) + 1
            chosen.add(number)
    return [chain for number, chain in enumerate(chains) if number in chosen]


def _drawn(chain: Chain) -> bytes:
    ids = chain.root.row["request_id"] + chain.links[-1].row["request_id"]
    return hashlib.blake2b(ids.encode(), digest_size=8).digest()


def _sounds(corpus: Corpus, ids: Sequence[str]) -> dict[str, bytes]:
    """Return what was spoken as MP3, a third of the FLAC in the corpus: a page holds hundreds."""
    marker = Marker.of(corpus)
    told = [SYNTHETIC_FIELD.name] if SYNTHETIC_FIELD.name in corpus.schema.names else []
    rows = corpus.take(ids, [*REQUEST_SCHEMA.names, *told, "audio"]).to_pylist()
    return {row["request_id"]: _sound(row, marker.marks(row)) for row in rows if row["audio"]}


def _sound(row: Mapping[str, Any], marks: Marks) -> bytes:
    clip = Clip(row["audio"])
    return as_bytes(clip.samples, clip.sample_rate, "mp3", marks)
