"""Video beside the memory: files that play whatever ended them, within bytes and age, on disks that are full."""

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import av
import numpy as np
import pytest

from app.recording.packets import parameter_sets
from app.recording.video import VideoLimits, VideoRecorder, forget_video, open_private, video_segments
from tests.fakes import FakeClock
from tests.rtsp_server import RtspServer
from vision import Frame
from vision.sources import SourceConfig, open_source, set_packet_tap

LIMITS = VideoLimits(max_bytes=2**30, max_age_s=1e6, min_free_bytes=0, segment_s=2.0)
FPS = 10


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds at 10 frames/s, a key picture every second."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"bf": "0", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size = FPS
        for i in range(10 * FPS):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 2 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def pictures_in(path: Path) -> int:
    """Those that can be shown; the last one of a torn file may be cut."""
    count = 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            with contextlib.suppress(av.error.InvalidDataError):
                count += len(packet.decode())
    return count


def packets_of(path: Path) -> Iterator[tuple[av.VideoStream, av.Packet]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for packet in container.demux(stream):
            yield stream, packet


def play(recorder: VideoRecorder, path: Path, clock: FakeClock, num_packets: int = 1000) -> None:
    """Feeds the packets as they would come in real time; does not end the stream."""
    for i, (stream, packet) in enumerate(packets_of(path)):
        if i == 0:
            recorder.begin(stream)
        if i == num_packets:
            break
        recorder.packet(packet)
        packet_decodes = stream.codec_context.decode(packet)  # the decoder gets the packet unchanged
        assert isinstance(packet_decodes, list)
        clock.advance(1 / FPS)


def make(folder: Path, clock: FakeClock, limits: VideoLimits = LIMITS, **parts: object) -> VideoRecorder:
    return VideoRecorder(folder, limits, lambda: clock.now_s - 100.0, clock=clock, **parts)  # type: ignore[arg-type]


def test_the_stream_is_cut_at_key_pictures_without_losing_one(tmp_path: Path, clip: Path) -> None:
    clock = FakeClock()
    recorder = make(tmp_path, clock)
    play(recorder, clip, clock)
    recorder.end()
    segments = video_segments(tmp_path)
    assert [segment.start_s for segment in segments] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert sum(pictures_in(segment.path) for segment in segments) == 10 * FPS
    assert recorder.problem is None
    assert all(stat.S_IMODE(segment.path.stat().st_mode) == 0o600 for segment in segments)


def test_a_file_that_was_never_closed_plays(tmp_path: Path, clip: Path) -> None:
    """As a kill leaves it: what is on the disk at that moment, and cut off anywhere."""
    clock = FakeClock()
    recorder = make(tmp_path, clock, VideoLimits(max_bytes=2**30, max_age_s=1e6, min_free_bytes=0))
    play(recorder, clip, clock, num_packets=75)
    (segment,) = video_segments(tmp_path)
    torn = tmp_path / "torn.mp4"
    data = segment.path.read_bytes()
    for cut in (0, 1, 100):
        torn.write_bytes(data[: len(data) - cut])
        assert pictures_in(torn) >= 5 * FPS
    recorder.end()


def test_packets_wait_until_stream_time_is_known(tmp_path: Path, clip: Path) -> None:
    clock = FakeClock()
    recorder = VideoRecorder(tmp_path, LIMITS, lambda: clock.now_s if clock.now_s > 100.45 else None, clock=clock)
    play(recorder, clip, clock)
    recorder.end()
    assert video_segments(tmp_path)[0].start_s == 100.0
    assert sum(pictures_in(segment.path) for segment in video_segments(tmp_path)) == 10 * FPS


def test_a_new_connection_begins_a_new_file(tmp_path: Path, clip: Path) -> None:
    clock = FakeClock()
    recorder = make(tmp_path, clock)
    play(recorder, clip, clock, num_packets=12)
    play(recorder, clip, clock, num_packets=12)
    recorder.end()
    assert [pictures_in(segment.path) for segment in video_segments(tmp_path)] == [12, 12]


def test_the_oldest_files_go_by_bytes_and_by_age(tmp_path: Path, clip: Path) -> None:
    clock = FakeClock()
    recorder = make(tmp_path, clock, VideoLimits(max_bytes=2**30, max_age_s=3.5, min_free_bytes=0, segment_s=1.0))
    play(recorder, clip, clock)
    recorder.end()
    assert [segment.start_s for segment in video_segments(tmp_path)] == [6.0, 7.0, 8.0, 9.0]
    num_bytes = video_segments(tmp_path)[0].num_bytes
    recorder = make(tmp_path, clock, VideoLimits(max_bytes=num_bytes, max_age_s=1e6, min_free_bytes=0, segment_s=1.0))
    play(recorder, clip, clock)
    recorder.end()
    assert len(video_segments(tmp_path)) == 2, "one that is whole, and the one that was being written"


class FullFile(io.RawIOBase):
    """A file on a disk that fills up after some bytes."""

    def __init__(self, file: IO[bytes], room: list[int]) -> None:
        self._file, self._room = file, room

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def write(self, data: object) -> int:
        count = len(bytes(data))  # type: ignore[call-overload]
        if count > self._room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._room[0] -= count
        return self._file.write(data)  # type: ignore[call-overload,no-any-return]

    def close(self) -> None:
        self._file.close()
        super().close()


def test_a_disk_that_fills_up_is_told_and_recording_goes_on_when_there_is_room(tmp_path: Path, clip: Path) -> None:
    clock, room = FakeClock(), [1500]
    recorder = make(tmp_path, clock, open_file=lambda path: FullFile(open_private(path), room))
    play(recorder, clip, clock)
    assert recorder.problem is not None and "No space left" in recorder.problem
    room[0] = 2**30
    clock.advance(20.0)
    play(recorder, clip, clock)
    recorder.end()
    assert recorder.problem is None
    assert sum(pictures_in(one.path) for one in video_segments(tmp_path) if one.start_s >= 20.0) == 10 * FPS


def test_low_water_pauses_before_the_disk_is_full(tmp_path: Path, clip: Path) -> None:
    clock, free = FakeClock(), [2000]
    limits = VideoLimits(max_bytes=2**30, max_age_s=1e6, min_free_bytes=1000, segment_s=2.0)
    recorder = make(tmp_path, clock, limits, free_bytes=lambda folder: free[0])
    play(recorder, clip, clock, num_packets=15)
    free[0] = 900
    play(recorder, clip, clock)
    assert len(video_segments(tmp_path)) == 1 and "nearly full" in str(recorder.problem)
    free[0] = 1050  # a little more than the limit is not yet room
    play(recorder, clip, clock)
    assert len(video_segments(tmp_path)) == 1
    free[0] = 2000
    play(recorder, clip, clock)
    recorder.end()
    assert len(video_segments(tmp_path)) > 1 and recorder.problem is None


def test_video_that_mp4_cannot_hold_is_told_and_nothing_else_happens(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("huffyuv", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv422p"
        for i in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), i, np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv422p")))
        container.mux(stream.encode(None))
    clock = FakeClock()
    recorder = make(tmp_path, clock)
    play(recorder, path, clock)
    recorder.end()
    assert recorder.problem is not None and "huffyuv cannot go into MP4" in recorder.problem
    assert video_segments(tmp_path) == []


def test_a_camera_is_recorded_as_it_sends(tmp_path: Path) -> None:
    """Over RTSP, whose packets bring their parameters within the stream."""
    with RtspServer(fps=50) as camera:
        source = open_source(camera.url, SourceConfig())
        clock = FakeClock()
        recorder = VideoRecorder(tmp_path, LIMITS, lambda: 0.0, clock=clock)
        assert set_packet_tap(source, recorder)
        source.open()
        num_frames = 0
        while num_frames < 60:
            num_frames += isinstance(source.read(1.0), Frame)
        source.close()
    (segment,) = video_segments(tmp_path)
    assert pictures_in(segment.path) >= 55
    assert os.path.getsize(segment.path) > 0


def test_sources_without_packets_say_so() -> None:
    assert not set_packet_tap(open_source("synthetic:moving_square", SourceConfig()), None)


def test_parameters_that_a_camera_sends_twice_are_no_new_ones() -> None:
    sets = b"\x00\x00\x00\x01\x67\x42\xc0\x16" + b"\x00\x00\x00\x01\x68\xce\x3c\x80\x01"
    picture = b"\x00\x00\x00\x01\x65\x88\x84"
    once, twice = parameter_sets(sets + picture, "h264"), parameter_sets(sets + sets + picture, "h264")
    assert once == twice == sets
    assert parameter_sets(sets.replace(b"\x16", b"\x17") + picture, "h264") != once


def test_a_file_that_is_being_written_ends_when_asked_and_the_next_begins_with_a_key_picture(
    tmp_path: Path, clip: Path
) -> None:
    clock = FakeClock()
    recorder = make(tmp_path, clock)
    assert recorder.cut(0.0), "nothing is being written yet"
    play(recorder, clip, clock, num_packets=20)
    assert not recorder.cut(0.0), "no packet has come since"
    before = len(video_segments(tmp_path))
    assert forget_video(tmp_path, 0.0, 1e9) and not video_segments(tmp_path)
    play(recorder, clip, clock)
    recorder.end()
    after = video_segments(tmp_path)
    assert before >= 1 and after and all(pictures_in(one.path) > 0 for one in after)
