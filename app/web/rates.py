"""How often somebody may do something: so many at once, then as they come back with time.

Comes in: a key (an address, a page) for each try. Goes out: how long to wait, in seconds; 0 if it may be done now.
Bounded in keys. Belongs to the page's event loop.
"""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["RateLimit", "client_of"]


@dataclass
class _Bucket:
    left: float
    at_s: float


class RateLimit:
    """For each key `max_events` at once, and as many again within `period_s`."""

    def __init__(
        self,
        max_events: int,
        period_s: float,
        *,
        max_keys: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_events < 1 or period_s <= 0 or max_keys < 1:
            raise ValueError(f"expected max_events, max_keys >= 1 and period_s > 0, got {max_events}, {period_s}")
        self._max_events, self._refill_hz, self._max_keys, self._clock = (
            max_events,
            max_events / period_s,
            max_keys,
            clock,
        )
        self._buckets: dict[str, _Bucket] = {}  # in order of their last use

    def wait_s(self, key: str) -> float:
        """Until one more may be done. Counts nothing."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else max(1.0 - self._left(bucket), 0.0) / self._refill_hz

    def take(self, key: str) -> float:
        """As wait_s(); counts one if it may be done."""
        wait_s = self.wait_s(key)
        if wait_s > 0:
            return wait_s
        bucket = self._buckets.pop(key, None)
        left = float(self._max_events) if bucket is None else self._left(bucket)
        if len(self._buckets) >= self._max_keys:
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[key] = _Bucket(left - 1.0, self._clock())
        return 0.0

    def _left(self, bucket: _Bucket) -> float:
        return min(bucket.left + (self._clock() - bucket.at_s) * self._refill_hz, float(self._max_events))


def client_of(scope: Any) -> str:
    """Who sent a request, as a key: the address; of IPv6 the network, since one machine has many addresses in it."""
    address = (scope.get("client") or ("unknown", 0))[0]
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return str(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
