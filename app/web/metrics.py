"""The program's figures for Prometheus.

Comes in: the status of each camera, its memory tier by tier, and what the program takes of the machine. Goes out: the
text that a scrape gets; cameras are told by name alone. Pure; any thread.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from app.recording.keep_status import KeepStatus
from app.session import SessionStatus
from vision.sources import ConnectionState

__all__ = ["CameraFigures", "metrics_text"]

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
    ("tokens_per_second", "Of the last answer, after its first.", False, lambda status: status.last_tokens_per_s),
    ("memory_tokens", "Visual tokens in the memory.", False, lambda status: status.memory_tokens),
    ("memory_bytes", "Bytes of the memory.", False, lambda status: status.memory_bytes),
    ("gaps", "Times without pictures.", True, lambda status: status.num_gaps),
    ("up", "1 while frames come in.", False, lambda status: float(status.state == "running")),
    ("stale", "1 while the picture of a live source is old.", False, lambda status: float(status.is_picture_stale)),
    ("kept_pictures", "On the disk.", False, lambda status: _kept(status, lambda keeping: keeping.num_pictures)),
    ("kept_bytes", "Of pictures on the disk.", False, lambda status: _kept(status, lambda keeping: keeping.num_bytes)),
    (
        "keeping_problem",
        "1 while something cannot be written.",
        False,
        lambda status: _kept(status, lambda keeping: float(keeping.problem is not None)),
    ),
)
_TIER_FIGURES = (
    ("tier_entries", "entries", "Entries of a tier of the memory."),
    ("tier_tokens", "tokens", "Visual tokens of a tier."),
    ("tier_bytes", "bytes", "Bytes of a tier."),
)
_STATES: tuple[str, ...] = get_args(ConnectionState)


@dataclass(frozen=True)
class CameraFigures:
    status: SessionStatus
    tiers: Mapping[str, Mapping[str, Any]]


class _Collector:
    """What prometheus_client asks for the figures."""

    def __init__(self, cameras: Mapping[str, CameraFigures], machine: Mapping[str, Any]) -> None:
        self._cameras, self._machine = cameras, machine

    def collect(self) -> Iterable[Metric]:
        for name, text, is_counter, read in _FIGURES:
            family = (CounterMetricFamily if is_counter else GaugeMetricFamily)(
                f"afterglow_{name}", text, labels=["camera"]
            )
            for camera, figures in self._cameras.items():
                value = read(figures.status)
                if value is not None:
                    family.add_metric([camera], value)
            yield family
        yield from self._tiers()
        yield self._connections()
        yield from self._of_the_machine()

    def _tiers(self) -> Iterable[Metric]:
        for name, field, text in _TIER_FIGURES:
            family = GaugeMetricFamily(f"afterglow_{name}", text, labels=["camera", "tier"])
            for camera, figures in self._cameras.items():
                for tier, facts in figures.tiers.items():
                    family.add_metric([camera, tier], facts[field])
            yield family

    def _connections(self) -> Metric:
        family = GaugeMetricFamily(
            "afterglow_connection", "1 for the state that a live source is in.", labels=["camera", "state"]
        )
        for camera, figures in self._cameras.items():
            connection = figures.status.connection
            for state in _STATES if connection is not None else ():
                family.add_metric([camera, state], float(connection is not None and connection.state == state))
        return family

    def _of_the_machine(self) -> Iterable[Metric]:
        for field, text in (("memory_bytes", "Main memory of the program."), ("device_memory_bytes", "On the GPU.")):
            if self._machine[field] is not None:
                yield GaugeMetricFamily(f"afterglow_process_{field}", text, value=self._machine[field])


def metrics_text(cameras: Mapping[str, CameraFigures], machine: Mapping[str, Any]) -> tuple[bytes, str]:
    """The text and its media type. machine: as machine_fields() gives it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(cameras, machine))  # a collector by its shape
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _kept(status: SessionStatus, read: Callable[[KeepStatus], float]) -> float | None:
    return None if status.keeping is None else read(status.keeping)
