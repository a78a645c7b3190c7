"""From what the user typed to the source that reads it. Nothing is opened yet; any thread may call this."""

from vision.sources.clock import Clock, SystemClock
from vision.sources.file import FileSource
from vision.sources.rtsp import NetworkSource
from vision.sources.source import Source, SourceConfig
from vision.sources.spec import parse_spec
from vision.sources.synthetic import SyntheticSource
from vision.sources.webcam import WebcamSource

__all__ = ["open_source"]


def open_source(spec: str, config: SourceConfig | None = None, clock: Clock | None = None) -> Source:
    """The source that `spec` names; its own thread calls `open` on it.

    spec: a path, webcam:0, an rtsp, rtsps, http or https address, or synthetic:SCENE?frames=50&fps=10&size=64x48.
    Raises SourceOpenError (kind bad_url) if it names none.
    """
    parsed = parse_spec(spec)
    config, clock = config or SourceConfig(), clock or SystemClock()
    if parsed.kind == "file":
        return FileSource(parsed.target, config, clock, name=parsed.name)
    if parsed.kind == "webcam":
        return WebcamSource(parsed.target, config, clock)
    if parsed.kind == "network":
        return NetworkSource(parsed.target, parsed.name, config, clock)
    return SyntheticSource(parsed.target, parsed.options, config, clock)
