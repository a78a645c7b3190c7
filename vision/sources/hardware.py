"""Decoding with the machine's video hardware where PyAV offers it. If it does not work out, that is said, not hidden.

In: the kind that was asked for. Out: the open container, and notes about what could not be had, which whoever keeps the
connection announces once. Used by the reading thread only.
"""

from collections.abc import Callable

from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from vision.errors import SourceOpenError
from vision.sources.source import SourceConfig

__all__ = ["no_hardware_note", "open_with_hardware", "software_note"]


def open_with_hardware(
    open_it: Callable[[HWAccel | None], InputContainer], config: SourceConfig, name: str
) -> tuple[InputContainer, tuple[str, ...]]:
    """The container, and a note if it had to be opened without the hardware. Raises what the plain opening raises."""
    if config.hardware is None:
        return open_it(None), ()
    try:
        return open_it(HWAccel(config.hardware, allow_software_fallback=True)), ()
    except (SourceOpenError, ValueError, RuntimeError):
        container = open_it(None)  # if the camera itself is the trouble, this raises the same again
    note = f"{name} is decoded without hardware: {config.hardware} cannot be used on this machine."
    return container, (note,)


def software_note(container: InputContainer, config: SourceConfig, name: str) -> tuple[str, ...]:
    """A note if the hardware is there and cannot decode this kind of video. To be asked after `open_with_hardware`."""
    streams = container.streams.video
    if streams and streams[0].codec_context.is_hwaccel:
        return ()
    return no_hardware_note(config, name)


def no_hardware_note(config: SourceConfig, name: str) -> tuple[str, ...]:
    """A note, if hardware was asked for: it does not decode this kind of video."""
    if config.hardware is None:
        return ()
    note = f"{name} is decoded without hardware: {config.hardware} does not decode this kind of video."
    return (note,)
