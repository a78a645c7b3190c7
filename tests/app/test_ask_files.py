"""`ask` on real files with the real sources and the real memory; only the models are fakes."""

import json
from pathlib import Path
from typing import Any

import pytest

from app import loading
from app.cli import main
from app.config import AssistantConfig
from app.session import Session
from tests.clips import write_audio_only, write_clip, write_empty, write_text, write_truncated_clip
from tests.fakes import FakeEncoder, FakeLMM


class RememberingLMM(FakeLMM):
    """Keeps what it could have read: the frame ids and times of the memory."""

    def __init__(self) -> None:
        super().__init__()
        self.remembered: list[tuple[list[int], list[float]]] = []

    def stream(self, question, snapshot, is_cancelled):
        ids = snapshot.spatial.frame_ids.tolist() + snapshot.temporal.frame_ids.tolist()
        self.remembered.append((ids, snapshot.spatial.times_s.flatten().tolist()))
        return super().stream(question, snapshot, is_cancelled)


def ask(path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any], RememberingLMM]:
    """The exit code, the last object on stdout, and the LMM that was asked."""
    lmm = RememberingLMM()

    def make_session(config: AssistantConfig) -> Session:
        return Session(config, encoder=FakeEncoder, lmm=lambda: lmm, memory=lambda e: loading.make_memory(config, e))

    code = main(["ask", "--source", str(path), "--question", "what?", "--json", *words], make_session=make_session)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out.splitlines()[-1]), lmm


def test_recording_is_remembered_the_same_way_every_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "clip.mp4", num_frames=60, fps=10)
    code, first, first_lmm = ask(clip, capsys)
    assert code == 0
    assert first["frames"] == {"seen": 60, "encoded": 13, "dropped": 0}
    assert first["asked_at_s"] == pytest.approx(5.9, abs=0.11)
    assert first["memory"]["version"] == 13
    _, second, second_lmm = ask(clip, capsys)
    assert second_lmm.remembered == first_lmm.remembered
    assert {**second, "ttft_ms": 0, "total_ms": 0} == {**first, "ttft_ms": 0, "total_ms": 0}


def test_frame_ids_are_the_numbers_of_the_pictures_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", num_frames=40, fps=20)
    _, _, lmm = ask(clip, capsys, "--fps", "1", "--at", "1")
    ids, times_s = lmm.remembered[0]
    assert max(ids) <= 20
    assert max(times_s) == pytest.approx(1.0, abs=0.3)


def test_question_at_a_time_sees_nothing_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "clip.mp4", num_frames=60, fps=10)
    code, answer, lmm = ask(clip, capsys, "--at", "2.5")
    assert code == 0 and "note" not in answer
    assert answer["asked_at_s"] == pytest.approx(2.5, abs=0.01)
    assert max(lmm.remembered[0][1]) <= 2.51


def test_real_time_plays_at_the_pace_of_the_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "clip.mp4", num_frames=10, fps=10)
    code, answer, _ = ask(clip, capsys, "--speed", "realtime")
    assert code == 0
    assert answer["asked_at_s"] == pytest.approx(0.9, abs=0.11)


def test_beginning_of_a_truncated_file_is_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_truncated_clip(tmp_path / "clip.mp4", index_first=True)
    code, answer, _ = ask(clip, capsys)
    assert code == 0 and answer["type"] == "answer"


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "audio", "directory", "truncated", "address"])
def test_what_is_no_video_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "clip.mp4"
    writers = {"empty": write_empty, "text": write_text, "truncated": write_truncated_clip}
    if kind in writers:
        writers[kind](path)
    if kind == "audio":
        path = write_audio_only(tmp_path / "sound.m4a")
    if kind == "directory":
        path.mkdir()
    code, error, lmm = ask(Path("gopher:x") if kind == "address" else path, capsys)
    assert code == 3
    assert error["type"] == "error" and error["message"].endswith(".")
    assert lmm.questions == []


def test_synthetic_source_works_without_any_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, _ = ask(Path("synthetic:colours?frames=30&fps=10"), capsys)
    assert code == 0
    assert answer["frames"]["seen"] == 30
