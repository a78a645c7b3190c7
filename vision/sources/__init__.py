"""Where frames come from: files and folders, cameras and the screen of this machine, the network, browsers."""

from vision.sources.access import OWNER, SourceAccess
from vision.sources.clock import Clock, SystemClock
from vision.sources.connection import (
    ConnectionConfig,
    ConnectionState,
    ConnectionStatus,
    StreamGap,
    source_connection,
    take_gaps,
)
from vision.sources.credentials import Credentials, credentials_from_environment, credentials_from_file
from vision.sources.opening import open_source
from vision.sources.packets import PacketTap, set_packet_tap
from vision.sources.pushed import PushedSource
from vision.sources.reconnecting import ReconnectingSource
from vision.sources.source import Source, SourceConfig, SourceCounters, set_idle, source_counters
from vision.sources.spec import SourceSpec, mask_credentials, parse_spec
from vision.sources.tls import TlsRules

__all__ = [
    "OWNER",
    "Clock",
    "ConnectionConfig",
    "ConnectionState",
    "ConnectionStatus",
    "Credentials",
    "PacketTap",
    "PushedSource",
    "ReconnectingSource",
    "Source",
    "SourceAccess",
    "SourceConfig",
    "SourceCounters",
    "SourceSpec",
    "StreamGap",
    "SystemClock",
    "TlsRules",
    "credentials_from_environment",
    "credentials_from_file",
    "mask_credentials",
    "open_source",
    "parse_spec",
    "set_idle",
    "set_packet_tap",
    "source_connection",
    "source_counters",
    "take_gaps",
]
