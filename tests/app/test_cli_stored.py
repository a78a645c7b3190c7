"""`query`, `list`, `export`, `forget` and `validate`, on a recording made here."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.language.lmm import Evidence
from app.recording.folder import RecordingFolder, RecordingLock
from tests.app.recording.parts import frames_at, keep_config, record
from tests.fakes import FakeLMM

START_S = float(int(time.time()) - 3600)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    record(keep_config(tmp_path), frames_at(START_S, 30))
    return tmp_path


@pytest.fixture
def lmm(monkeypatch: pytest.MonkeyPatch) -> FakeLMM:
    lmm = FakeLMM(["I saw it at 0:", "12."], evidence=(Evidence(start_s=12.0, end_s=14.0, frame_id=12),))
    monkeypatch.setattr("app.loading.load_lmm", lambda: lmm)
    return lmm


def clock(time_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(START_S + time_s))


def run(command: str, data: Path, *words: str) -> int:
    return main([command, "--name", "front", "--data", str(data), *words])


def test_an_answer_is_told_by_the_clock(data: Path, lmm: FakeLMM, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("query", data, "--question", "When was it?") == 0
    captured = capsys.readouterr()
    first, second = captured.out.splitlines()
    assert first.startswith("I saw it at ") and first.endswith(f"{clock(12)}.")
    assert second.startswith("Seen at ") and "(frame 12); newest picture" in second
    assert "The newest picture is of" in captured.err
    assert lmm.questions[0].text == "When was it?"


def test_json_answers_have_both_kinds_of_time(data: Path, lmm: FakeLMM, capsys: pytest.CaptureFixture[str]) -> None:
    asked = time.strftime("%H:%M:%S", time.localtime(START_S + 10))
    assert run("query", data, "--question", f"Was it there since {asked}?", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    answer: dict[str, Any] = lines[-1]
    assert answer["type"] == "answer" and answer["question"] == f"Was it there since {asked}?"
    assert answer["understood"] == lmm.questions[0].text == "Was it there between 0:10 and 0:29?"
    assert "".join(one["text"] for one in lines if one["type"] == "token") == answer["answer"]
    assert answer["answer"].endswith(f"{clock(12)}.")
    (evidence,) = answer["evidence"]
    assert (evidence["start_s"], evidence["frame_id"], evidence["picture_id"]) == (12.0, 12, 12)
    assert evidence["start"][11:19] == clock(12)
    assert answer["asked_at_s"] == 29.0 and answer["newest"][11:19] == clock(29)


def test_evidence_is_exported_with_the_answer(
    data: Path, lmm: FakeLMM, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    assert run("query", data, "--question", "When was it?", "--export", str(folder)) == 0
    assert sorted(path.suffix for path in folder.iterdir()) == [".jpg", ".json"]
    assert "no clip" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "exit_code", "part"),
    [
        (["--question", "What was there at 25:61?"], 2, "no time of the day"),
        (["--question", "What happened tomorrow?"], 2, "future"),
        (["--question", "x", "--from", "gibberish"], 2, "not understood"),
        (["--question", "What was there two days ago?"], 4, "Nothing was recorded then"),
        (["--question", "  "], 2, "empty"),
        ([], 2, "--question"),
    ],
)
def test_what_cannot_be_asked_gets_a_sentence_before_any_model_is_loaded(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], exit_code: int, part: str
) -> None:
    assert run("query", data, *words) == exit_code
    assert part in capsys.readouterr().err


def test_unknown_recordings_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, words in (("query", ["--question", "x"]), ("list", []), ("export", ["--at", "9:00"])):
        assert run(command, tmp_path, *words) == 2
        assert "Nothing was recorded as 'front'" in capsys.readouterr().err


def test_recordings_are_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--data", str(data)]) == 0
    assert capsys.readouterr().out.startswith("front: not recording, ")
    lock = RecordingLock(RecordingFolder(data, "front"))
    assert run("list", data, "--json") == 0
    lock.release()
    (told,) = json.loads(capsys.readouterr().out)["recordings"]
    assert (told["name"], told["is_recording"], told["pictures"], told["events"]) == ("front", True, 30, [])
    assert main(["list", "--data", str(data / "none")]) == 0
    assert "There are no recordings" in capsys.readouterr().out


def test_a_frame_and_an_interval_are_exported(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", data, "--frame", "7", "--folder", str(tmp_path / "a"), "--json") == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [Path(name).suffix for name in files] == [".jpg", ".json"]
    assert json.loads(Path(files[-1]).read_text())["frame_id"] == 7
    words = ["--from", clock(3), "--to", clock(6)]
    assert run("export", data, *words, "--folder", str(tmp_path / "b")) == 0
    assert len(list((tmp_path / "b").glob("*.jpg"))) in (3, 4)
    assert run("export", data, "--frame", "999", "--folder", str(tmp_path / "c")) == 4
    assert run("export", data) == 2


def test_an_interval_is_forgotten_with_a_receipt(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--from", clock(3), "--to", clock(6)]
    lock = RecordingLock(RecordingFolder(data, "front"))
    assert run("forget", data, *words) == 6
    assert "stop that recorder first" in capsys.readouterr().err
    lock.release()
    assert run("forget", data, *words, "--json") == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["num_pictures"] in (3, 4) and receipt["start"][11:19] == clock(3)
    assert run("list", data) == 0
    assert "forgotten" in capsys.readouterr().out
    assert run("forget", data, *words) == 0
    assert "Erased from" in capsys.readouterr().out


def test_a_file_of_cameras_is_validated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "cameras.yaml"
    config.write_text("cameras:\n  - name: front\n    source: webcam:0\n")
    assert main(["validate", "--config", str(config)]) == 0
    assert "good, 1 cameras (front)" in capsys.readouterr().out
    config.write_text("cameras:\n  - name: front\n    sauce: webcam:0\n")
    assert main(["validate", "--config", str(config)]) == 2
    assert f"{config}:3: 'sauce' is not known: did you mean 'source'?" in capsys.readouterr().out
    assert main(["validate", "--config", str(config), "--json"]) == 2
    assert [one["line"] for one in json.loads(capsys.readouterr().out)["problems"]] == [2, 3]
