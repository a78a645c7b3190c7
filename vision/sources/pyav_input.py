"""Opening a container safely, and saying in a plain sentence why it did not open.

In: an open file, or an address with its password. Out: the container and its video stream, or SourceOpenError with
nothing secret in it, neither in its words nor in what it is chained to. Used by the reading thread only.
"""

import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import IO, Any, NoReturn, cast

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition

from vision.errors import OpenFailureKind, SourceOpenError
from vision.sources.pyav_reader import is_timeout
from vision.sources.source import MAX_FRAME_MEGAPIXELS, MAX_FRAME_SIDE_PX

__all__ = ["check_size", "open_container", "pick_video_stream", "pixel_aspect", "refuse_nested"]

_BUFFER_BYTES = 262_144
_REFUSED_ERRNOS = (101, 110, 111, 112, 113, 10051, 10060, 10061, 10064, 10065)  # unreachable, refused, host down


def open_container(
    file: str | IO[bytes],
    name: str,
    *,
    options: Mapping[str, str],
    timeout_s: tuple[float, float] | None = None,
    container_format: str | None = None,
    open_nested: Callable[[str, int, Mapping[str, str]], IO[bytes]] | None = None,
    is_network: bool = False,
    hwaccel: HWAccel | None = None,
) -> InputContainer:
    """file: what to open; name: how to call it in messages; timeout_s: for opening and for each read.

    `options` must hold protocol_whitelist: without it a playlist can read any file of this machine.
    """
    if not options.get("protocol_whitelist"):
        raise ValueError("options must hold a protocol_whitelist")
    start_s = time.monotonic()
    try:
        container = av.open(
            file,
            format=container_format,
            options=dict(options),
            timeout=timeout_s,
            io_open=open_nested,
            buffer_size=_BUFFER_BYTES,
            hwaccel=hwaccel,
        )
        assert isinstance(container, InputContainer)
        return container
    except (av.FFmpegError, OSError, ValueError) as error:
        # A camera that accepts the connection and never answers is reported as invalid data.
        is_late = timeout_s is not None and time.monotonic() - start_s >= 0.95 * timeout_s[0]
        failure = _describe(TimeoutError() if is_late else error, name, is_network=is_network)
    raise failure  # outside the except block: what PyAV raised holds the password and must not be chained


def pixel_aspect(stream: av.VideoStream) -> Fraction | None:
    """Width of a pixel by its height, if the stream tells."""
    ratio: Fraction | None = cast(Any, stream).sample_aspect_ratio  # missing in PyAV's type information
    return ratio or None


def pick_video_stream(container: InputContainer, name: str) -> av.VideoStream:
    """The stream of moving pictures: no cover of an album, the default one, else the largest."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        if container.streams.audio:
            raise SourceOpenError(f"{name} holds sound but no video.", "no_video_stream")
        if container.streams:
            raise SourceOpenError(f"{name} is not a video.", "not_video")
        raise SourceOpenError(f"{name} is a video file without any pictures in it.", "empty")
    stream = max(streams, key=lambda each: (bool(each.disposition & Disposition.default), _num_pixels(each)))
    if stream.codec_context is None:
        raise SourceOpenError(f"{name} holds video in a format that cannot be decoded here.", "not_video")
    check_size(stream.codec_context.width, stream.codec_context.height, name)
    return stream


def check_size(width_px: int, height_px: int, name: str) -> None:
    """Raises SourceOpenError for pictures that are refused before any of them is decoded."""
    if max(width_px, height_px) > MAX_FRAME_SIDE_PX or width_px * height_px > MAX_FRAME_MEGAPIXELS * 1_000_000:
        raise SourceOpenError(
            f"The pictures of {name} measure {width_px} x {height_px}. At most {MAX_FRAME_SIDE_PX} pixels a side and "
            f"{MAX_FRAME_MEGAPIXELS} megapixels are accepted: scale it down first.",
            "too_large",
        )


def _num_pixels(stream: av.VideoStream) -> int:
    return 0 if stream.codec_context is None else stream.codec_context.width * stream.codec_context.height


def _describe(error: Exception, name: str, *, is_network: bool) -> SourceOpenError:
    """Our words for PyAV's error. Nothing of the error's own text is used, since it holds the address."""
    if is_network:
        kind, sentence = _describe_network(error)
    elif isinstance(error, EOFError):
        kind, sentence = "empty", "{name} holds no pictures."
    elif isinstance(error, PermissionError):  # what a list points to is not opened
        kind, sentence = "not_video", "{name} is a list that points to other files, not a video. Open those instead."
    else:
        kind, sentence = (
            "not_video",
            "{name} is not a video that can be read: it is damaged, cut off or of another kind.",
        )
    return SourceOpenError(sentence.format(name=name), kind)


def _describe_network(error: Exception) -> tuple[OpenFailureKind, str]:
    if isinstance(error, av.error.HTTPUnauthorizedError):
        return "unauthorized", "{name} asks for a user and a password, or these are wrong."
    if isinstance(error, av.error.HTTPForbiddenError):
        return "unauthorized", "{name} does not permit access."
    if isinstance(error, (av.error.HTTPNotFoundError, FileNotFoundError)):
        return "missing", "The host answers, but there is nothing at {name}. Check the path."
    if isinstance(error, (av.error.HTTPServerError, av.error.HTTPClientError)):
        return "refused", "The host of {name} answers with an error of its own. Try again later."
    if is_timeout(error):
        return "timeout", "{name} did not answer in time."
    if isinstance(error, ConnectionError) or getattr(error, "errno", None) in _REFUSED_ERRNOS:
        return (
            "refused",
            "Nothing answers at {name}: the connection was refused. Check the host, the port and the camera.",
        )
    if isinstance(error, EOFError):
        return "refused", "{name} hung up without sending anything."
    if isinstance(error, ValueError):  # InvalidDataError is one
        return "not_video", "What {name} sends is not a video that can be read."
    if isinstance(error, OSError):
        return "refused", "{name} could not be reached. Check the name of the host and the network."
    return "other", "{name} could not be opened."


def refuse_nested(url: str, flags: int, options: Mapping[str, str]) -> NoReturn:
    """For `open_nested`: what a video asks to open besides itself; nothing is."""
    raise PermissionError
