"""From what the user typed to the source that reads it. Nothing is opened yet; any thread may call this."""

import os
from collections.abc import Callable

from vision.sources.access import OWNER, SourceAccess, check_device, check_file
from vision.sources.address import add_credentials
from vision.sources.clock import Clock, SystemClock
from vision.sources.credentials import Credentials
from vision.sources.file import FileSource
from vision.sources.folder import FolderSource
from vision.sources.reconnecting import ReconnectingSource
from vision.sources.rtsp import CameraSource
from vision.sources.screen import ScreenSource
from vision.sources.source import Source, SourceConfig
from vision.sources.spec import SourceSpec, parse_spec
from vision.sources.synthetic import SyntheticSource
from vision.sources.web import WebSource
from vision.sources.webcam import WebcamSource

__all__ = ["open_source"]


def open_source(
    spec: str,
    config: SourceConfig | None = None,
    clock: Clock | None = None,
    *,
    access: SourceAccess = OWNER,
    credentials: Credentials | None = None,
) -> Source:
    """The source that `spec` names; its own thread calls `open` on it.

    spec: a path (of a file, or a folder of images), webcam:0, screen, an rtsp, rtmp or http address (rtsps, rtmps,
    https), or synthetic:SCENE?frames=50&fps=10&size=64x48. access: who asks; whatever came over a page or an API is a
    visitor's. credentials: for an address of the owner that has no user in it.
    Raises SourceOpenError: kind bad_url if it names none, kind forbidden if it is not for this visitor.
    """
    parsed = parse_spec(spec)
    config, clock = config or SourceConfig(), clock or SystemClock()
    if parsed.kind == "synthetic":
        return SyntheticSource(parsed.target, parsed.options, config, clock)
    if parsed.kind == "file":
        path = check_file(access, parsed.target, parsed.name)
        kind = FolderSource if os.path.isdir(path) else FileSource
        return kind(path, config, clock, name=parsed.name)
    if parsed.kind in ("webcam", "screen"):
        check_device(access, parsed.name)
    make = _maker(parsed, clock, access, credentials)
    return make(config) if config.connection is None else ReconnectingSource(make, config, clock)


def _maker(
    parsed: SourceSpec, clock: Clock, access: SourceAccess, credentials: Credentials | None
) -> Callable[[SourceConfig], Source]:
    """The function that makes the live source, once for each connection."""
    if parsed.kind == "webcam":
        return lambda config: WebcamSource(parsed.target, config, clock)
    if parsed.kind == "screen":
        return lambda config: ScreenSource(parsed.target, config, clock)
    url, name = parsed.target, parsed.name
    if credentials is not None and access.trust == "owner":  # a visitor's host must not be told the owner's password
        url = add_credentials(url, credentials.user, credentials.password)
    if url.startswith("http"):
        return lambda config: WebSource(url, name, config, clock, access)
    return lambda config: CameraSource(url, name, config, clock, access)
