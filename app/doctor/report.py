"""`python3 launch.py doctor [--json]`: what was found, what will be used, what is missing and how to get it.

In: the machine. Out: text or one JSON object on stdout; exit code 0 when the product can run, else 1. One thread.
Standard library only, and every library is asked for with care, so that it also reports on a machine without .venv.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from app import __version__
from app.assets_store import cache_dir
from app.doctor.finding import Finding
from app.doctor.machine import (
    count_cores,
    examine_cameras,
    examine_compute,
    examine_disk,
    examine_media,
    examine_memory,
    examine_port,
    examine_python,
)
from app.doctor.software import examine_models, examine_packages, examine_setup


def main(words: list[str]) -> int:
    """Prints the report; 0 when nothing that is needed is missing."""
    unknown = [word for word in words if word not in ("--json", "-h", "--help")]
    if unknown:
        sys.stderr.write(f"doctor knows only --json, got {' '.join(unknown)!r}.\n")
        return 2
    if "-h" in words or "--help" in words:
        sys.stdout.write(__doc__ or "")
        return 0
    findings = examine(Path(__file__).resolve().parents[2])
    can_run = all(finding.status != "missing" for finding in findings)
    sys.stdout.write(as_json(findings, can_run) if "--json" in words else as_text(findings, can_run))
    return 0 if can_run else 1


def examine(root: Path) -> list[Finding]:
    return [
        *examine_python(),
        examine_setup(root),
        *examine_packages(root),
        *examine_compute(),
        examine_memory(),
        *examine_disk(root),
        *examine_models(root),
        examine_cameras(),
        *examine_media(),
        examine_port(),
    ]


def as_json(findings: list[Finding], can_run: bool) -> str:
    report = {
        "type": "doctor",
        "version": __version__,
        "can_run": can_run,
        "used": what_is_used(),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(report, ensure_ascii=False) + "\n"


def as_text(findings: list[Finding], can_run: bool) -> str:
    width = max(len(finding.subject) for finding in findings)
    lines = [f"Afterglow {__version__}", "", "Found"]
    for finding in findings:
        lines.append(f"  {finding.status:<8}{finding.subject:<{width}}  {finding.found}")
        if finding.remedy:
            lines.append(f"  {'':<8}{'':<{width}}  -> {finding.remedy}")
    lines += ["", "Will be used", *(f"  {name:<10}{value}" for name, value in what_is_used().items()), ""]
    if can_run:
        return "\n".join([*lines, "Afterglow can run: python3 launch.py", ""])
    num_missing = sum(finding.status == "missing" for finding in findings)
    return "\n".join([*lines, f"Afterglow cannot run yet: {num_missing} missing above, each with what to do.", ""])


def what_is_used() -> dict[str, str]:
    """What the product takes for each of its tasks."""
    return {
        "device": f"the CPU, {count_cores()} cores",
        "video": "PyAV",
        "seeing": "NanoDet, SSD-MobileNetV2 and EfficientNet-lite2",
        "answering": "SmolLM2-135M-Instruct with Afterglow's own training",
        "speaking": "our FlashSpeech, or hibari's voice",
        "hearing": "Whisper tiny.en, in the page alone",
        "models": str(cache_dir()),
    }
