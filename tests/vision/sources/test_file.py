import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from tests import clips
from vision import END, Frame, SourceOpenError
from vision.sources import SourceConfig
from vision.sources.file import FileSource

MAX = SourceConfig(speed="max")


def play(path: Path, config: SourceConfig = MAX, clock: Any = None) -> list[Frame]:
    """Every frame, and END after it."""
    source = FileSource(str(path), config, clock)
    source.open()
    frames = []
    try:
        while (item := source.read(1.0)) is not END:
            if isinstance(item, Frame):
                frames.append(item)
        assert source.read(1.0) is END
    finally:
        source.close()
    return frames


def levels(frames: list[Frame]) -> list[int]:
    return [clips.level_of(frame.image) for frame in frames]


def times(frames: list[Frame]) -> list[float]:
    return [round(frame.time_s, 3) for frame in frames]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.mp4", {}),
        ("sound.mp4", {"with_audio": True}),
        ("clip.mov", {}),
        ("clip.mkv", {}),
        ("clip.ts", {}),
        ("clip.avi", {"codec": "mpeg4"}),
        ("clip.webm", {"codec": "libvpx"}),
        ("hevc.mp4", {"codec": "libx265"}),
        ("10bit.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le"}),
        ("10bit422.mkv", {"codec": "ffv1", "pix_fmt": "yuv422p10le"}),
        ("odd.mkv", {"codec": "ffv1", "size": (63, 47)}),
        ("motion.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("one.mkv", {"codec": "ffv1", "size": (1, 1)}),
        ("one.avi", {"codec": "rawvideo", "pix_fmt": "bgr24", "size": (1, 1)}),
    ],
)
def test_every_picture_of_a_clip_comes_in_order_with_its_time(tmp_path: Path, name: str, options: dict) -> None:
    frames = play(clips.write_clip(tmp_path / name, num_frames=20, fps=10, **options))
    width, height = options.get("size", (64, 48))
    assert levels(frames) == list(range(20))
    assert times(frames) == [index / 10 for index in range(20)]
    assert [frame.index for frame in frames] == list(range(20))
    assert {frame.image.shape for frame in frames} == {(height, width, 3)}


def test_a_stream_without_time_stamps_is_timed_by_its_frame_rate(tmp_path: Path) -> None:
    frames = play(clips.write_clip(tmp_path / "raw.h264", num_frames=5))
    assert times(frames) == [0.0, 0.04, 0.08, 0.12, 0.16]


@pytest.mark.parametrize("name", ["variable.mkv", "variable.mp4"])
def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path, name: str) -> None:
    path = clips.write_clip(tmp_path / name, times_ms=[500, 600, 650, 1500, 1510, 3500])
    assert times(play(path)) == [0.0, 0.1, 0.15, 1.0, 1.01, 3.0]


@pytest.mark.parametrize(
    ("rotation", "size", "corner"), [(90, (48, 64), (-1, 0)), (180, (64, 48), (-1, -1)), (270, (48, 64), (0, -1))]
)
def test_a_clip_that_was_filmed_sideways_is_upright(
    tmp_path: Path, rotation: int, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    image = play(clips.write_rotated_clip(tmp_path / "phone.mp4", rotation))[0].image
    assert image.shape == (size[1], size[0], 3)
    assert np.abs(image[corner].astype(int) - clips.RED).max() < 12


@pytest.mark.parametrize("name", ["still.jpg", "still.png", "misnamed.mp4"])
def test_a_still_picture_is_a_stream_of_one_frame(tmp_path: Path, name: str) -> None:
    path = clips.write_still(tmp_path / ("still.jpg" if name == "misnamed.mp4" else name))
    frames = play(path.rename(tmp_path / name))
    assert times(frames) == [0.0]
    assert np.abs(frames[0].image[0, 0].astype(int) - clips.RED).max() < 12


def test_a_picture_of_one_pixel_is_read(tmp_path: Path) -> None:
    (frame,) = play(clips.write_one_pixel_png(tmp_path / "dot.png"))
    assert frame.image.tolist() == [[[128, 128, 128]]]


def test_an_animated_gif_is_a_clip(tmp_path: Path) -> None:
    assert times(play(clips.write_animated_gif(tmp_path / "a.gif"))) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert len(play(clips.write_animated_gif(tmp_path / "dot.gif", size=(1, 1)))) == 5


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", size=(320, 240), num_frames=2)
    frames = play(path, SourceConfig(speed="max", max_side_px=100))
    assert [frame.image.shape for frame in frames] == [(75, 100, 3)] * 2
    assert levels(frames) == [0, 1]


def test_the_frame_rate_is_limited_and_the_times_are_kept(tmp_path: Path) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "clip.mp4")), SourceConfig(speed="max", max_fps=2))
    source.open()
    frames = [frame for frame in iter(lambda: source.read(1.0), END) if isinstance(frame, Frame)]
    source.close()
    assert times(frames) == [0.0, 0.5, 1.0, 1.5]
    assert [frame.index for frame in frames] == levels(frames) == [0, 5, 10, 15]
    assert (source.counters.frames_decoded, source.counters.frames_skipped_by_rate) == (20, 16)


def test_the_duration_is_known_after_opening(tmp_path: Path) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "clip.mp4")), MAX)
    assert source.duration_s is None
    source.open()
    assert source.duration_s == pytest.approx(2.0)
    source.close()


# --- real time ---


def test_a_file_is_played_in_real_time(tmp_path: Path, clock: Any) -> None:
    frames = play(clips.write_clip(tmp_path / "clip.mp4"), SourceConfig(speed="realtime"), clock)
    assert levels(frames) == list(range(20))
    assert clock.now_s == pytest.approx(100.0 + 1.9, abs=0.01)
    assert frames[-1].wall_time_s - frames[0].wall_time_s == pytest.approx(1.9, abs=0.01)


def test_reading_at_full_speed_waits_for_nothing(tmp_path: Path, clock: Any) -> None:
    assert len(play(clips.write_clip(tmp_path / "clip.mp4"), MAX, clock)) == 20
    assert clock.waits_s == []


def test_frames_that_nobody_took_in_time_are_lost_and_counted(tmp_path: Path, clock: Any) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "clip.mp4")), SourceConfig(), clock)
    source.open()
    seen = []
    while (frame := source.read(10.0)) is not END:
        assert isinstance(frame, Frame)
        seen.append(clips.level_of(frame.image))
        clock.now_s += 0.42  # what is done with each frame takes longer than the frame lasts
    source.close()
    assert seen == [0, 4, 8, 12, 16]
    assert source.counters.frames_skipped_late == 20 - len(seen)


def test_a_file_that_is_decoded_too_slowly_does_not_fall_silent(tmp_path: Path, clock: Any) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "clip.mp4", num_frames=25, fps=50)), SourceConfig(), clock)
    source.open()
    assert source._player is not None
    decode, now_s = source._player._decode_one, clock.monotonic_s

    def decode_slowly() -> None:
        clock.now_s = now_s() + 0.2
        decode()

    source._player._decode_one = decode_slowly  # type: ignore[method-assign]
    shown_at_s = [clock.now_s for frame in iter(lambda: source.read(1.0), END) if isinstance(frame, Frame)]
    source.close()
    assert len(shown_at_s) >= 8
    assert max(np.diff(shown_at_s)) <= 0.7


def test_a_read_ends_at_its_time_out_and_loses_nothing(tmp_path: Path, clock: Any) -> None:
    path = clips.write_clip(tmp_path / "slow.mkv", times_ms=[0, 5000])
    source = FileSource(str(path), SourceConfig(), clock)
    source.open()
    first, *rest = (source.read(1.0) for _ in range(6))
    source.close()
    assert isinstance(first, Frame)
    assert rest[:4] == [None] * 4
    assert isinstance(rest[4], Frame) and rest[4].time_s == 5.0


def test_no_read_takes_longer_than_two_seconds(tmp_path: Path, clock: Any) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "slow.mkv", times_ms=[0, 60_000])), SourceConfig(), clock)
    source.open()
    source.read(100.0)
    assert source.read(100.0) is None
    assert clock.now_s == pytest.approx(102.0)
    source.close()


def test_a_read_comes_back_when_the_clock_is_woken_to_stop(tmp_path: Path, clock: Any) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "clip.mp4", fps=1)), SourceConfig(), clock)
    source.open()
    source.read(2.0)
    clock.is_stopped = True
    assert source.read(2.0) is None
    assert len(clock.waits_s) == 1
    source.close()


# --- what cannot be played ---


def refusal(path: Path) -> SourceOpenError:
    source = FileSource(str(path), MAX)
    with pytest.raises(SourceOpenError) as failure:
        source.open()
    source.close()
    sentence = str(failure.value)
    assert str(path) in sentence and sentence.endswith(".") and "Errno" not in sentence and "\n" not in sentence
    assert failure.value.__cause__ is None and failure.value.__context__ is None
    return failure.value


@pytest.mark.parametrize(
    ("write", "name", "kind"),
    [
        (clips.write_empty, "empty.mp4", "empty"),
        (clips.write_text, "notes.mp4", "not_video"),
        (clips.write_text, "notes.txt", "not_video"),
        (clips.write_truncated_clip, "cut.mp4", "not_video"),
        (clips.write_zero_frame_clip, "zero.mp4", "empty"),
        (clips.write_zero_frame_clip, "zero.mkv", "empty"),
        (clips.write_zero_frame_clip, "zero.avi", "empty"),
        (clips.write_audio_only, "sound.m4a", "no_video_stream"),
        (clips.write_audio_only, "sound.wav", "no_video_stream"),
        (clips.write_audio_with_cover, "album.flac", "no_video_stream"),
        (clips.write_huge_png_header, "huge.png", "too_large"),
    ],
)
def test_each_bad_file_is_refused_for_its_own_reason(
    tmp_path: Path, write: Callable[[Path], Path], name: str, kind: str
) -> None:
    assert refusal(write(tmp_path / name)).kind == kind


def test_a_missing_file_a_directory_and_a_device_are_told_apart(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere.mp4").kind == "missing"
    assert refusal(clips.write_still(tmp_path / "a.png") / "b.mp4").kind == "missing"
    assert refusal(tmp_path).kind == "directory"
    assert refusal(Path("/dev/null")).kind == "other"
    assert refusal(tmp_path / ("x" * 300)).kind == "other"


def test_a_pipe_and_a_socket_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert refusal(tmp_path / "pipe.mp4").kind == "other"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "s"))
        assert refusal(tmp_path / "s").kind == "other"


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.write_clip(tmp_path / "secret.mp4", num_frames=1)

    def deny(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", deny)  # the tests may run as root, who may read everything
    assert refusal(path).kind == "unauthorized"


@pytest.mark.parametrize("size", [(8300, 16), (16, 8300), (8000, 6400)])
def test_pictures_beyond_the_limits_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    path = clips.write_clip(tmp_path / "large.mkv", num_frames=1, size=size, codec="mjpeg", pix_fmt="yuvj420p")
    assert refusal(path).kind == "too_large"


def test_a_huge_jpeg_is_refused_with_its_size(tmp_path: Path) -> None:
    path = clips.write_still(tmp_path / "a.jpg")
    data = path.read_bytes()
    header = data.index(b"\xff\xc0")
    comments = (b"\xff\xfe\xff\xff" + bytes(0xFFFF - 2)) * 15  # so that it weighs enough to be believed
    path.write_bytes(data[:2] + comments + data[2 : header + 5] + b"\x3a\x98\x3a\x98" + data[header + 9 :])
    error = refusal(path)
    assert (error.kind, "15000 x 15000" in str(error)) == ("too_large", True)


def test_what_is_readable_of_a_cut_clip_is_played(tmp_path: Path) -> None:
    frames = play(clips.write_truncated_clip(tmp_path / "cut.mp4", index_first=True))
    assert 5 <= len(frames) < 20
    assert times(frames) == [index / 10 for index in range(len(frames))]


def test_a_hole_in_a_clip_does_not_end_it(tmp_path: Path) -> None:
    frames = play(clips.write_damaged_clip(tmp_path / "hole.ts"))
    assert len(frames) >= 20
    assert levels(frames)[-1] == 24


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.ffconcat", "list.sdp", "list.mpd"])
def test_a_list_cannot_make_us_read_another_file(tmp_path: Path, name: str) -> None:
    clip = clips.write_clip(tmp_path / "clip.ts")
    contents = {
        "ffconcat": f"ffconcat version 1.0\nfile {clip.name}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        f'<Representation id="1"><BaseURL>{clip}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    }
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2.0,\nfile://{clip}\n#EXT-X-ENDLIST\n"
    (tmp_path / name).write_text(contents.get(name.partition(".")[2], playlist), encoding="utf-8")
    assert refusal(tmp_path / name).kind == "not_video"


def test_a_name_with_a_pattern_in_it_is_one_file(tmp_path: Path) -> None:
    clips.write_still(tmp_path / "photo1.jpg")
    assert refusal(tmp_path / "photo%d.jpg").kind == "missing"
    assert len(play(clips.write_still(tmp_path / "photo%d.png"))) == 1


def test_the_decoder_writes_nothing_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    play(clips.write_damaged_clip(tmp_path / "hole.ts"))
    refusal(clips.write_text(tmp_path / "notes.mp4"))
    assert capfd.readouterr() == ("", "")


# --- one thread ---


def test_closing_is_possible_twice_and_before_opening(tmp_path: Path) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "clip.mp4")), MAX)
    source.close()
    source.open()
    source.close()
    source.close()
    with pytest.raises(ValueError, match="before open"):
        source.read(0.0)


@pytest.mark.parametrize("call", ["read", "close"])
def test_another_thread_gets_an_error_in_place_of_a_crash(tmp_path: Path, call: Literal["read", "close"]) -> None:
    source = FileSource(str(clips.write_clip(tmp_path / "clip.mp4")), MAX)
    opened, may_end = threading.Event(), threading.Event()

    def own() -> None:
        source.open()
        opened.set()
        may_end.wait(10)
        source.close()

    owner = threading.Thread(target=own, name="reader")
    owner.start()
    assert opened.wait(10)
    with pytest.raises(RuntimeError, match="reader"):
        source.close() if call == "close" else source.read(0.0)
    may_end.set()
    owner.join(10)


def test_no_file_stays_open(tmp_path: Path) -> None:
    path, bad = clips.write_clip(tmp_path / "clip.mp4"), clips.write_text(tmp_path / "notes.mp4")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(20):
        source = FileSource(str(path), MAX)
        source.open()
        source.read(1.0)
        source.close()
        refusal(bad)
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before
