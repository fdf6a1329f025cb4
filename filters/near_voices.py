"""Voices that sound like one person: pairs whose embeddings are nearer than chance explains.

How near two voices may come by chance depends on how much is heard of them: what differs between
sentences averages out. Over the studio's 41 voices (8 sentences of about 3 s each, GE2E):

=====================  =================  ====================  =======  =======================
sentences each         same voice         different voices      bound    same missed / found wrong
=====================  =================  ====================  =======  =======================
1                      0.89, least 0.72   0.55, most 0.89       0.79     0.8 % / 0.8 %
2                      0.94, least 0.88   0.58, most 0.88       0.87     0.0 % / 0.1 %
4                      0.97, least 0.94   0.60, most 0.90       0.91     0.0 % / 0.0 %
=====================  =================  ====================  =======  =======================

Of a hundred voices with one recording each some 40 pairs are named for nothing, so this is for
looking at, not for refusing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from lauter.filters.speaker import Embedding, mean_voice

BOUNDS: Final = ((4, 0.91), (2, 0.87), (1, 0.79))
"""From so many recordings on of either voice, the least cosine that speaks for one person."""


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two voices that sound alike, their cosine, and the bound that it reaches."""

    first: str
    second: str
    cosine: float
    bound: float


def near_voices(embeddings: Mapping[str, Sequence[Embedding]]) -> list[NearPair]:
    """Return the pairs that sound like one person, the nearest first.

    ``embeddings`` are unit vectors of each voice's recordings, by its name.
    """
    means = {name: mean_voice(np.stack(found)) for name, found in embeddings.items() if len(found)}
    pairs = []
    for first, second in combinations(means, 2):
        fewer = min(len(embeddings[first]), len(embeddings[second]))
        bound = next(least for count, least in BOUNDS if fewer >= count)
        cosine = float(means[first] @ means[second])
        if cosine >= bound:
            pairs.append(NearPair(first, second, cosine, bound))
    return sorted(pairs, key=lambda pair: -pair.cosine)
