"""Centroids by mini-batch k-means, with dead ones brought back to life.

Each centroid is the running mean of what came to it (D. Sculley, 2010). In the first half, one that
too little comes to is put where a random feature of the batch lies, so that the whole book is used;
in the second all come to rest.
"""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
"""Vectors to cluster, float32 ``[vectors, size]``."""

_DEAD_BELOW = 0.1
"""A centroid is dead when it gets less than this share of the mean."""
_MEMORY = 0.98
"""What one batch leaves of the counts before it."""


def fit_centroids(
    features: Features, count: int, *, batches: int, batch_size: int, seed: int
) -> Features:
    """Return ``count`` centroids, float32 ``[count, size]``; the same seed gives the same ones.

    Raises ``ValueError`` where there are fewer features than centroids.
    """
    if len(features) < count:
        raise ValueError(f"{len(features)} features cannot make {count} centroids")
    chance = np.random.default_rng(seed % 2**64)
    centroids = features[chance.choice(len(features), count, replace=False)].astype(np.float32)
    counts = np.zeros(count)
    for number in range(batches):
        batch = features[chance.integers(0, len(features), batch_size)]
        nearest = nearest_centroids(batch, centroids)
        came = np.bincount(nearest, minlength=count)
        sums = np.zeros_like(centroids)
        np.add.at(sums, nearest, batch)
        counts = _MEMORY * counts + came
        rate = np.where(came > 0, came / np.maximum(counts, 1), 0)[:, None].astype(np.float32)
        means = sums / np.maximum(came, 1)[:, None].astype(np.float32)
        centroids = (centroids + rate * (means - centroids)).astype(np.float32)
        if number < batches // 2:
            dead = np.flatnonzero(counts < _DEAD_BELOW * counts.mean())
            centroids[dead] = batch[chance.integers(0, len(batch), len(dead))]
            counts[dead] = counts.mean()
    return centroids


def nearest_centroids(features: Features, centroids: Features) -> NDArray[np.int32]:
    """Return the number of the nearest centroid to each feature, int32 ``[vectors]``.

    Where two are equally near, the lower number is taken.
    """
    halves = 0.5 * np.square(centroids).sum(1)
    return np.concatenate(
        [
            np.argmax(features[start : start + 4096] @ centroids.T - halves, axis=1)
            for start in range(0, len(features), 4096)
        ]
        or [np.empty(0, np.int64)]
    ).astype(np.int32)
