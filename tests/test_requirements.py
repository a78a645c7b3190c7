"""The lists of requirements: pinned, complete, and free of what would break the product."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OWN = {"app", "vision", "memory", "kernels", "launch", "bench"}
# Distributions whose modules have another name.
MODULES = {
    "cv2": "opencv-python",
    "faiss": "faiss-cpu",
    "PIL": "pillow",
    "hibari": "hibari-tts",
    "yaml": "PyYAML",
    "prometheus_client": "prometheus-client",
    "faster_whisper": "faster-whisper",
}
# Readers of a foreign format, named in the converter's own docstring: only who converts weights anew needs them.
OF_CONVERTERS = {"tflite", "ai_edge_litert"}


def requirement_lines(path: str) -> list[str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / path).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def pinned(path: str) -> dict[str, str]:
    return dict(line.split(";")[0].strip().split("==") for line in requirement_lines(path))


@pytest.mark.parametrize("path", ["requirements.txt", "tests/requirements.txt"])
def test_every_requirement_is_pinned_to_one_version(path: str) -> None:
    for line in requirement_lines(path):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*(; .+)?", line), line


@pytest.mark.parametrize("path", ["requirements.txt", "tests/requirements.txt"])
def test_the_distribution_that_hides_our_kernels_is_never_required(path: str) -> None:
    assert "kernels" not in pinned(path)


def test_the_versions_that_others_rest_on_are_kept() -> None:
    versions = pinned("requirements.txt")
    assert versions["torch"] == "2.11.0"
    assert versions["transformers"] == "5.17.0"
    assert versions["triton"].startswith("3.6.")
    assert tuple(map(int, versions["numpy"].split(".")[:2])) < (2, 4), "Triton's interpreter needs an older numpy"


def test_the_server_of_the_page_can_speak_websocket() -> None:
    """uvicorn starts without it and then refuses every WebSocket."""
    assert "websockets" in pinned("requirements.txt")


def test_every_library_that_the_product_imports_is_pinned() -> None:
    folders = ("app", "vision", "memory", "kernels")
    imported = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module).split(".")[0])
        imported |= names - OF_CONVERTERS if path.parent.name == "conversion" else names
    libraries = imported - OWN - set(sys.stdlib_module_names)
    assert {MODULES.get(name, name) for name in libraries} <= set(pinned("requirements.txt"))


def test_no_package_registry_is_named_in_what_we_write() -> None:
    hosts = re.compile(r"pypi\.org|python(?:hosted)|download\.pytorch\.org|registry\.npmjs|extra-index-url=")
    paths = [ROOT / "launch.py", ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"]
    paths += [path for folder in ("app", "vision", "memory", "kernels") for path in (ROOT / folder).rglob("*.py")]
    assert [str(path) for path in paths if path.exists() and hosts.search(path.read_text(encoding="utf-8"))] == []
