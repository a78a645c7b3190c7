"""The program's figures for Prometheus.

Comes in: the status of each camera. Goes out: the text that a scrape gets. Pure; any thread.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from app.session import SessionStatus

__all__ = ["metrics_text"]

_Read = Callable[[SessionStatus], float | None]
# Name, help, whether it only grows, and where it is read from; what is None is left out.
_FIGURES: tuple[tuple[str, str, bool, _Read], ...] = (
    ("frames_seen", "Frames that the source gave.", True, lambda status: status.frames_seen),
    ("frames_encoded", "Frames that were turned into visual tokens.", True, lambda status: status.frames_encoded),
    ("frames_dropped", "Frames lost to newer ones.", True, lambda status: status.frames_dropped),
    ("frame_age_seconds", "Since the newest frame was read.", False, lambda status: status.newest_frame_age_s),
    ("encode_milliseconds", "One frame through the encoder, lately.", False, lambda status: status.encode_ms),
    ("questions_waiting", "Queued, scheduled or being answered.", False, lambda status: status.questions_waiting),
    ("first_token_milliseconds", "Of the last answer.", False, lambda status: status.last_ttft_ms),
    ("memory_tokens", "Visual tokens in the memory.", False, lambda status: status.memory_tokens),
    ("memory_bytes", "Bytes of the memory.", False, lambda status: status.memory_bytes),
    ("gaps", "Times without pictures.", True, lambda status: status.num_gaps),
    ("up", "1 while frames come in.", False, lambda status: float(status.state == "running")),
)


class _Collector:
    """What prometheus_client asks for the figures."""

    def __init__(self, cameras: Mapping[str, SessionStatus]) -> None:
        self._cameras = cameras

    def collect(self) -> Iterable[Metric]:
        for name, text, is_counter, read in _FIGURES:
            family = (CounterMetricFamily if is_counter else GaugeMetricFamily)(
                f"afterglow_{name}", text, labels=["camera"]
            )
            for camera, status in self._cameras.items():
                value = read(status)
                if value is not None:
                    family.add_metric([camera], value)
            yield family


def metrics_text(cameras: Mapping[str, SessionStatus]) -> tuple[bytes, str]:
    """The text and its media type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(cameras))  # a collector by its shape
    return generate_latest(registry), CONTENT_TYPE_LATEST
