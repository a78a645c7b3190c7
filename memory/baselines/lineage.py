"""One step of a published writer: K slots and a new frame become K slots again, by k-means over their pooled tokens.

Comes in: slots, a frame, the weights that the published rule gives them. Goes out: the new slots. The released code
keeps no times, frame ids or keys; here they are carried along by the same assignments, so that a reader can look for an
event in what is left. That is more than the released code offers.
"""

from collections.abc import Sequence

import numpy as np

from memory.baselines.clustering import lloyd
from memory.baselines.layout import Held

__all__ = ["clustered"]

MAX_ITERATIONS, TOLERANCE = 10, 1e-4  # of the released code


def clustered(
    points: Sequence[Held], weights: np.ndarray, seeds: np.ndarray, rng: np.random.Generator
) -> tuple[list[Held], list[np.ndarray]]:
    """(K slots, numbers of the points in each). weights: float32 [N]; seeds: numbers of the points to start from [K].

    A slot that ends up empty is a copy of a random point, as in the released code, with no points of its own.
    """
    flat = np.array([point.tokens.ravel() for point in points])
    clusters, centroids = lloyd(flat, weights, flat[seeds], max_iterations=MAX_ITERATIONS, tolerance=TOLERANCE, rng=rng)
    order = np.argsort(clusters, kind="stable")
    members_of = np.split(order, np.searchsorted(clusters[order], np.arange(1, len(centroids))))
    slots = []
    for members, centroid in zip(members_of, centroids, strict=True):
        tokens = centroid.reshape(points[0].tokens.shape)
        slots.append(_slot(points, members, weights, tokens) if members.size else _copy_of(points, flat, centroid))
    return slots, members_of


def _slot(points: Sequence[Held], members: np.ndarray, weights: np.ndarray, tokens: np.ndarray) -> Held:
    if members.size == 1:
        return points[int(members[0])]._replace(tokens=tokens, weight=float(weights[members[0]]))
    held, shares = [points[member] for member in members.tolist()], weights[members] / weights[members].sum()
    heaviest = held[int(shares.argmax())]
    return Held(
        tokens=tokens,
        key=np.einsum("n,nd->d", shares, np.array([one.key for one in held])),
        weight=float(weights[members].sum()),
        start_s=min(one.start_s for one in held),
        end_s=max(one.end_s for one in held),
        mean_time_s=float(sum(share * one.mean_time_s for share, one in zip(shares, held, strict=True))),
        frame_id=heaviest.frame_id,
        first_id=min(one.first_id for one in held),
        last_id=max(one.last_id for one in held),
    )


def _copy_of(points: Sequence[Held], flat: np.ndarray, centroid: np.ndarray) -> Held:
    nearest = int(((flat - centroid) ** 2).sum(axis=1).argmin())
    return points[nearest]._replace(weight=0.0)
