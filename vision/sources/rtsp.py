"""A camera of the network that speaks RTSP or RTMP, with or without TLS.

In: an address. Out: frames as they arrive. The reading thread opens, reads and closes it; no call of `read` takes
longer than about two seconds. An interrupted RTSP read can be taken up again, so a camera may be silent for
`read_timeout_s`; with RTMP two seconds of silence end the stream. A lost connection stays lost: see `reconnecting`.
"""

from collections.abc import Callable

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from vision.errors import SourceOpenError
from vision.frame import Frame
from vision.sources.access import OWNER, SourceAccess, check_camera, permitted_addresses
from vision.sources.address import split_address
from vision.sources.clock import Clock, SystemClock
from vision.sources.container_source import ContainerSource
from vision.sources.hardware import open_with_hardware, software_note
from vision.sources.live import LivePlayer
from vision.sources.packets import PacketTap
from vision.sources.pyav_input import open_container, pick_video_stream
from vision.sources.pyav_reader import VideoReader
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters
from vision.sources.tls import is_distrusted, untrusted

__all__ = ["CameraSource"]

# PyAV notices its time-out between one and two times after it was set where RTSP is concerned.
_RTSP_READ_TIMEOUT_S = 0.9
_RTMP_READ_TIMEOUT_S = MAX_WAIT_S

_PROTOCOLS = {"rtsp": "rtsp,rtsps,rtp,tcp,udp,tls,crypto", "rtmp": "rtmp,rtmps,tcp,tls"}


class CameraSource(ContainerSource):
    """See the module. `url` holds the password and is never shown; `name` may be."""

    is_live = True

    def __init__(
        self,
        url: str,
        name: str,
        config: SourceConfig | None = None,
        clock: Clock | None = None,
        access: SourceAccess = OWNER,
    ):
        super().__init__()
        self.name = name
        self.counters = SourceCounters()
        self.is_idle = False
        """Any thread may set it: True for key pictures alone."""
        self.packet_tap: PacketTap | None = None
        self.notes: tuple[str, ...] = ()
        self._url, self._config, self._clock = url, config or SourceConfig(), clock or SystemClock()
        self._access = access
        self._family = "rtmp" if url.lower().startswith("rtmp") else "rtsp"
        self._has_tls, self._host = url.lower().startswith(("rtsps:", "rtmps:")), split_address(url).host
        self._player: LivePlayer | None = None

    @property
    def progress_s(self) -> float | None:
        """Monotonic time of the last sign of life."""
        return None if self._player is None else self._player.progress_s

    def _open(self) -> None:
        url = self._permitted_url()
        if self._has_tls:
            self._config.tls.check()
        read_timeout_s = _RTSP_READ_TIMEOUT_S if self._family == "rtsp" else _RTMP_READ_TIMEOUT_S

        def open_it(hwaccel: HWAccel | None) -> InputContainer:
            return open_container(
                url,
                self.name,
                options=self._options(),
                timeout_s=(self._config.open_timeout_s, read_timeout_s),
                is_network=True,
                hwaccel=hwaccel,
            )

        self._container, self.notes = self._opened(open_it, url)
        stream = pick_video_stream(self._container, self.name)
        self.notes = self.notes or software_note(self._container, self._config, self.name)
        self._player = self._make_player(self._container, stream)

    def _opened(
        self, open_it: Callable[[HWAccel | None], InputContainer], url: str
    ) -> tuple[InputContainer, tuple[str, ...]]:
        failure: SourceOpenError
        try:
            return open_with_hardware(open_it, self._config, self.name)
        except SourceOpenError as error:
            failure = error
        if failure.kind == "refused" and self._is_distrusted(url):
            failure = untrusted(self.name)
        raise failure

    def _make_player(self, container: InputContainer, stream: av.VideoStream) -> LivePlayer:
        return LivePlayer(
            VideoReader(container, stream, self.counters, is_live=True, tap=self.packet_tap),
            stream,
            self._config,
            self._clock,
            self.counters,
            self.name,
            can_resume=self._family == "rtsp",
        )

    def _permitted_url(self) -> str:
        """The address to connect to. For a visitor its host is the one address that was checked, so that the name
        cannot come to mean another one in between."""
        address = split_address(self._url)
        check_camera(self._access, address.host, self.name)
        found = permitted_addresses(self._access, address.host, address.port, self.name)
        return self._url if self._access.trust == "owner" else address.with_host(found[0])

    def _is_distrusted(self, url: str) -> bool:
        address = split_address(url)
        if not self._has_tls:
            return False
        return is_distrusted(self._config.tls, self._host, address.host, address.port, self._config.open_timeout_s / 2)

    def _options(self) -> dict[str, str]:
        options = {
            "protocol_whitelist": _PROTOCOLS[self._family],
            "fpsprobesize": "0",  # with the next one: a third of the time to the first picture
            "analyzeduration": "300000",  # in microseconds; 0 would mean a minute and a half for RTMP
        }
        if self._family == "rtsp":
            options |= {
                "analyzeduration": "0",
                "rtsp_transport": self._config.rtsp_transport,
                "timeout": str(round(self._config.open_timeout_s * 1e6)),  # of the socket; `stimeout` would be ignored
                "use_wallclock_as_timestamps": "1",
            }
        return options | (self._config.tls.decoder_options(self._host) if self._has_tls else {})

    def read(self, timeout_s: float) -> Frame | None:
        if self._player is None:
            raise ValueError("read() before open()")
        self._guard.check(self.name)
        return self._player.read(timeout_s, is_idle=self.is_idle)

    def _stop_reading(self) -> None:
        self._player = None
        if self.packet_tap is not None:
            self.packet_tap.end()
