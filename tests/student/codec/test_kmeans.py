import numpy as np
import pytest

from lauter.student.codec.kmeans import fit_centroids, nearest_centroids


def clusters(count: int, each: int) -> np.ndarray:
    chance = np.random.default_rng(5)
    middles = chance.normal(0, 10, (count, 6))
    spread = chance.normal(0, 0.1, (count * each, 6))
    return (middles.repeat(each, 0) + spread).astype(np.float32)


def test_no_centroid_is_shared_by_clusters_that_lie_far_apart() -> None:
    features = clusters(8, 50)

    centroids = fit_centroids(features, 40, batches=200, batch_size=64, seed=0)

    of_clusters = nearest_centroids(features, centroids).reshape(8, 50)
    assert sum(len(set(row)) for row in of_clusters.tolist()) == len(set(of_clusters.ravel()))


def test_centroids_that_nothing_comes_to_are_brought_back_to_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = clusters(40, 25)
    features[:600] = features[0]  # silence, say: most centroids begin there

    def used() -> int:
        centroids = fit_centroids(features, 24, batches=2000, batch_size=64, seed=0)
        return len(set(nearest_centroids(features, centroids).tolist()))

    assert used() >= 22
    monkeypatch.setattr("lauter.student.codec.kmeans._DEAD_BELOW", 0.0)
    assert used() < 20


def test_the_same_seed_gives_the_same_centroids() -> None:
    features = clusters(3, 40)

    first, second = (fit_centroids(features, 5, batches=20, batch_size=32, seed=7) for _ in "ab")

    assert np.array_equal(first, second)


def test_nearest_is_what_a_loop_finds() -> None:
    features, centroids = clusters(4, 5), clusters(6, 1)

    slow = [int(np.argmin(((feature - centroids) ** 2).sum(1))) for feature in features]

    assert nearest_centroids(features, centroids).tolist() == slow


def test_fewer_features_than_centroids_are_refused() -> None:
    with pytest.raises(ValueError, match="3 features cannot make 4"):
        fit_centroids(clusters(1, 3), 4, batches=1, batch_size=2, seed=0)
