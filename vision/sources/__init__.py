"""Where frames come from: files, cameras of this machine, cameras and files of the network, synthetic scenes."""

from vision.sources.clock import Clock, SystemClock
from vision.sources.opening import open_source
from vision.sources.source import Source, SourceConfig, SourceCounters, source_counters
from vision.sources.spec import SourceSpec, mask_credentials, parse_spec

__all__ = [
    "Clock",
    "Source",
    "SourceConfig",
    "SourceCounters",
    "SourceSpec",
    "SystemClock",
    "mask_credentials",
    "open_source",
    "parse_spec",
    "source_counters",
]
