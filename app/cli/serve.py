"""`serve`: opens the page, and watches cameras for it and for programs.

Comes in: checked options. Goes out: the exit code, when the page is closed. The main thread.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.exit_codes import EXIT_BAD_ARGUMENTS
from app.cli.output import Output
from app.cli.serve_options import ServeOptions
from app.recording.cameras_file import CameraEntry
from app.recording.folder import default_data_folder

if TYPE_CHECKING:
    from app.config import AssistantConfig
    from app.web import WebConfig

__all__ = ["serve"]


def serve(options: ServeOptions, output: Output) -> int:
    """Runs until Ctrl-C."""
    data, cameras = options.data or default_data_folder(), _named_cameras(options)
    if options.config is not None:
        from app.cli.record import cameras_of

        found = cameras_of(options.config, output)
        if found is None:
            return EXIT_BAD_ARGUMENTS
        data, cameras = options.data or found.data, found.cameras
    from app.capturing import CaptureConfig
    from app.cli.record import folders_locked
    from app.config import AssistantConfig
    from app.perceiving import PerceiveConfig
    from app.speaking import SpeechConfig
    from app.web import serve as serve_page
    from vision.sources import SourceConfig

    voice = options.voice
    pages = AssistantConfig(
        speech=SpeechConfig(voice=voice.voice, speed=voice.speed, steps=voice.steps),
        perceive=PerceiveConfig(fps=options.fps),
        capture=CaptureConfig(reading=options.reading.applied(SourceConfig())),
    )
    is_kept = options.keeps or options.config is not None
    with folders_locked(data, cameras if is_kept else ()):
        configs = {one.name: _camera_config(one, pages, data if is_kept else None) for one in cameras}
        serve_page(pages, web=_web(options, data), cameras=configs)
    return 0


def _web(options: ServeOptions, data: Path) -> "WebConfig":
    from app.web import WebConfig

    return WebConfig(
        host=options.host,
        port=options.port,
        host_names=options.host_names,
        token_file=options.token_file,
        renews_token=options.renews_token,
        opens_browser=options.opens_browser,
        opens_window=options.opens_window,
        is_hands_free=options.is_hands_free,
        data=data,
        allowed_hosts=options.allowed_hosts,
        allowed_folders=options.allowed_folders,
        allows_devices=options.allows_devices,
    )


def _named_cameras(options: ServeOptions) -> tuple[CameraEntry, ...]:
    named = zip(options.names, options.sources, strict=True)
    return tuple(
        CameraEntry(name=name, source=source, fps=options.fps, reading=options.reading) for name, source in named
    )


def _camera_config(camera: CameraEntry, pages: "AssistantConfig", data: Path | None) -> "AssistantConfig":
    """As a recorder's, but read as fast as it comes: people look on. data: where it is kept; None: it is not."""
    if data is None:
        return replace(pages, source=camera.source)
    from app.cli.record import recorder_config

    config = recorder_config(camera, data)
    reading = replace(config.capture.reading, max_fps=None)
    return replace(config, capture=replace(config.capture, reading=reading))
