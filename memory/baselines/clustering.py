"""k-means as the layouts for comparison need it.

Comes in: points and weights. Goes out: assignments and centroids. Pure but for the random generator that is given.
"""

import numpy as np

__all__ = ["lloyd", "mean_by_cluster", "plus_plus_seeds"]


def lloyd(
    points: np.ndarray,
    weights: np.ndarray,
    centroids: np.ndarray,
    *,
    max_iterations: int,
    tolerance: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """(cluster of each point [N], centroids [K, dim]) for points [N, dim], weights [N] and first centroids [K, dim].

    An empty cluster takes a random point. Stops when the centroids move less than `tolerance` in all.
    """
    clusters = np.zeros(len(points), np.int64)
    for _ in range(max_iterations):
        clusters = _nearest(points, centroids)
        moved, totals = mean_by_cluster(points, weights, clusters, len(centroids))
        empty = np.flatnonzero(totals == 0)
        moved[empty] = points[rng.integers(len(points), size=len(empty))]
        shift = float(np.linalg.norm(moved - centroids, axis=1).sum())
        centroids = moved
        if shift < tolerance:
            break
    return clusters, centroids


def mean_by_cluster(
    values: np.ndarray, weights: np.ndarray, clusters: np.ndarray, num_clusters: int
) -> tuple[np.ndarray, np.ndarray]:
    """(weighted means [K, dim], total weights [K]); the mean of an empty cluster is 0."""
    belongs = np.zeros((num_clusters, len(values)), values.dtype)
    belongs[clusters, np.arange(len(values))] = weights
    totals = belongs.sum(axis=1)
    return belongs @ values / np.maximum(totals, 1e-12)[:, None], totals


def plus_plus_seeds(points: np.ndarray, num_clusters: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++ (D. Arthur and S. Vassilvitskii, 2007): seeds drawn by their squared distance to those before."""
    seeds = [points[rng.integers(len(points))]]
    distances = np.full(len(points), np.inf)
    for _ in range(num_clusters - 1):
        distances = np.minimum(distances, ((points - seeds[-1]) ** 2).sum(axis=1))
        total = distances.sum()
        chosen = rng.choice(len(points), p=distances / total) if total > 0 else rng.integers(len(points))
        seeds.append(points[chosen])
    return np.array(seeds)


def _nearest(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    distances = (centroids**2).sum(axis=1) - 2 * points @ centroids.T
    return distances.argmin(axis=1)
