"""What `doctor` reports, on this machine and on machines that lack something."""

import json
import sys
from pathlib import Path

import pytest

from app.doctor import Finding, examine, machine, main, report, software
from app.install.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERGLOW_HOME", str(tmp_path / "home"))


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def test_the_report_is_one_json_object_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = main(["--json"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    content = json.loads(lines[0])
    assert content["type"] == "doctor" and content["can_run"] is (exit_code == 0)
    assert set(content["used"]) == {
        *("device", "video", "models"),
        *("seeing", "answering", "speaking", "hearing"),
    }
    assert {finding["status"] for finding in content["findings"]} <= {"ok", "note", "missing"}


def test_it_works_before_the_models_are_fetched_and_says_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    text = capsys.readouterr().out
    assert "model smollm2_135m" in text and "python3 launch.py fetches it" in text
    assert "cannot run yet" in text


def test_it_looks_at_everything_that_the_product_rests_on() -> None:
    subjects = set(by_subject(examine(ROOT)))
    assert {
        "Python",
        "set-up",
        "packages",
        "CPU",
        "torch",
        "GPU",
        "memory",
        "disk",
        "camera",
        "port of the page",
    } <= subjects


def test_all_is_well_means_exit_code_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(report, "examine", lambda root: [Finding(subject="Python", status="ok", found="3.11")])
    assert main([]) == 0
    assert "Afterglow can run" in capsys.readouterr().out


def test_a_note_does_not_stop_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    note = Finding(subject="camera", status="note", found="none", remedy="plug one in")
    monkeypatch.setattr(report, "examine", lambda root: [note])
    assert main([]) == 0


def test_an_unknown_word_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--jsn"]) == 2
    assert "--jsn" in capsys.readouterr().err


def test_missing_and_wrong_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"torch": None, "numpy": "2.4.0"}
    original = software.installed_version
    monkeypatch.setattr(software, "installed_version", lambda name: versions.get(name, original(name)))
    packages = next(software.examine_packages(ROOT))
    assert packages.status == "missing"
    assert "torch 2.11.0 (found: none)" in packages.found and "(found: 2.4.0)" in packages.found


def test_a_build_of_the_pinned_version_counts_as_that_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.11.0\n", encoding="utf-8")
    monkeypatch.setattr(software, "installed_version", {"torch": "2.11.0+cpu"}.get)
    assert [finding.status for finding in software.examine_packages(tmp_path)] == ["ok"]


def test_opencv_without_windows_counts_as_opencv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("opencv-python==5.0.0.93\n", encoding="utf-8")
    monkeypatch.setattr(software, "installed_version", {"opencv-python-headless": "5.0.0.93"}.get)
    assert [finding.status for finding in software.examine_packages(tmp_path)] == ["ok"]


def test_the_package_that_hides_our_kernels_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("", encoding="utf-8")
    monkeypatch.setattr(software, "installed_version", {"kernels": "0.17.2"}.get)
    assert [finding.status for finding in software.examine_packages(tmp_path)] == ["ok", "missing"]


def test_a_machine_without_torch_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    findings = by_subject(list(machine.examine_compute()))
    assert findings["torch"].status == "missing" and "launch.py" in findings["torch"].remedy


def test_a_gpu_that_torch_cannot_use_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "has_nvidia_gpu", lambda: True)
    finding = by_subject(list(machine.examine_compute()))["GPU"]
    assert finding.status == "note" and finding.remedy


def test_an_unsuitable_python_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert by_subject(list(machine.examine_python()))["Python"].status == "missing"


def test_a_port_in_use_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: str, port: int) -> None:
        raise SetupError("Port 7860 is in use")

    monkeypatch.setattr(machine, "require_free_port", refuse)
    finding = machine.examine_port()
    assert finding.status == "note" and "in use" in finding.found


def test_little_memory_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "total_memory_bytes", lambda: 2 * machine.GIB)
    assert machine.examine_memory().status == "note"


def test_a_damaged_model_comes_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "smollm2_135m.safetensors").write_bytes(b"damaged")
    finding = by_subject(list(software.examine_models(ROOT)))["model smollm2_135m"]
    assert finding.status == "missing" and "delete" in finding.remedy


def test_the_model_for_spoken_questions_may_be_missing() -> None:
    finding = by_subject(list(software.examine_models(ROOT)))["model for spoken questions"]
    assert finding.status == "note" and finding.found == "not fetched" and "71 MB" in finding.remedy
