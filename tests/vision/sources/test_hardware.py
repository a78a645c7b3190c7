"""Decoding with hardware, on a machine that has none: what is asked for, what is done without, and how it is said."""

import logging
from types import SimpleNamespace
from typing import Any

import av
import pytest

from tests.rtsp_server import RtspServer
from tests.vision.sources.test_faults import camera_source, reach, read_until
from vision import SourceOpenError
from vision.sources import SourceConfig, source_connection
from vision.sources.hardware import open_with_hardware, software_note

CONFIG = SourceConfig(hardware="cuda")


def container(is_decoded_by_hardware: bool) -> Any:
    context = SimpleNamespace(is_hwaccel=is_decoded_by_hardware)
    return SimpleNamespace(streams=SimpleNamespace(video=[SimpleNamespace(codec_context=context)]))


def test_hardware_that_decodes_is_used_and_nothing_is_said() -> None:
    asked: list[Any] = []

    def open_it(hwaccel: Any) -> Any:
        asked.append(hwaccel)
        return container(is_decoded_by_hardware=True)

    opened, notes = open_with_hardware(open_it, CONFIG, "camera")
    assert isinstance(asked[0], av.codec.hwaccel.HWAccel) and len(asked) == 1
    assert notes == () and software_note(opened, CONFIG, "camera") == ()


@pytest.mark.parametrize("error", [RuntimeError("no device"), SourceOpenError("no device"), ValueError("unknown kind")])
def test_hardware_that_fails_is_done_without(error: Exception) -> None:
    asked: list[Any] = []

    def open_it(hwaccel: Any) -> Any:
        asked.append(hwaccel)
        if hwaccel is not None:
            raise error
        return container(is_decoded_by_hardware=False)

    _, notes = open_with_hardware(open_it, CONFIG, "camera")
    assert asked[1] is None and len(asked) == 2
    assert notes == ("camera is decoded without hardware: cuda cannot be used on this machine.",)


def test_a_camera_that_is_not_there_is_not_blamed_on_the_hardware() -> None:
    def open_it(hwaccel: Any) -> Any:
        raise SourceOpenError("Nothing answers at camera.", "refused")

    with pytest.raises(SourceOpenError, match="Nothing answers"):
        open_with_hardware(open_it, CONFIG, "camera")


def test_hardware_that_cannot_decode_this_kind_is_said() -> None:
    (note,) = software_note(container(is_decoded_by_hardware=False), CONFIG, "camera")
    assert note == "camera is decoded without hardware: cuda does not decode this kind of video."
    assert software_note(container(is_decoded_by_hardware=False), SourceConfig(), "camera") == ()


@pytest.mark.parametrize("kind", ["nonsense", "cuda", "vaapi"])
def test_what_a_camera_does_without_is_announced_once_and_stays_visible(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with RtspServer() as camera, caplog.at_level(logging.WARNING):
        source = camera_source(camera.url, hardware=kind)
        source.open()
        for _ in range(2):
            read_until(source, lambda frames: len(frames) == 3)
            camera.drop_clients()
            reach(source, "backing_off")
        read_until(source, lambda frames: len(frames) == 3)
        status = source_connection(source)
        source.close()
    assert status is not None and status.num_reconnects == 2
    assert len(status.notes) == 1 and "without hardware" in status.notes[0]
    assert caplog.messages.count(status.notes[0]) == 1
