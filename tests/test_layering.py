"""The direction of dependencies, the public names of packages, and imports without effects."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "vision", "memory", "kernels")

# The higher may import the lower; equal ranks may not import each other unless one entry covers both.
# Modules of `app` that are not named are helpers of the session ("app.*").
RANKS = {
    "kernels": 0,
    "vision": 1,
    "memory": 1,
    "app.install": 2,
    "app.assets_store": 3,
    "app.errors": 3,
    "app.language": 4,
    "app.speech": 4,
    "app.hearing": 4,
    "app.*": 5,
    "app.session": 6,
    "app.doctor": 6,
    "app.web": 7,
    "app.cli": 8,
    "app.start": 9,
    "launch": 10,
}
WORKERS = ("app.capturing", "app.perceiving", "app.answering", "app.speaking")
# Run before anything is installed.
STANDARD_LIBRARY_ONLY = ("launch", "app.install", "app.start", "app.assets_store", "app.doctor")
THREAD_MAKERS = {"Thread", "Timer", "ThreadPoolExecutor", "ProcessPoolExecutor", "Process", "start_new_thread"}


def source_files() -> list[Path]:
    return [ROOT / "launch.py", *sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The entry of RANKS that a module belongs to."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in RANKS:
            return name
    assert parts[0] == "app", f"{module} belongs to no known part"
    return "app.*"


def imports_of(path: Path) -> Iterator[tuple[str, str | None, ast.AST]]:
    """(module, name or None, node) of every import, inside functions too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            yield from ((str(node.module), alias.name, node) for alias in node.names)


def own_imports() -> Iterator[tuple[str, str, str | None]]:
    """(importing module, imported module, name) within the repository."""
    for path in source_files():
        for module, name, _ in imports_of(path):
            if module.split(".")[0] in (*PACKAGES, "launch", "tests", "bench"):
                is_module = name is not None and find_source(f"{module}.{name}") is not None
                yield module_name(path), (f"{module}.{name}" if is_module else module), (None if is_module else name)


def find_source(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def test_dependencies_point_one_way() -> None:
    wrong = []
    for importer, imported, _ in own_imports():
        if imported == "app":  # the version alone
            continue
        assert imported.split(".")[0] not in ("tests", "bench"), f"{importer} imports {imported}"
        source, target = room_of(importer), room_of(imported)
        if source != target and RANKS[source] <= RANKS[target]:
            wrong.append(f"{importer} -> {imported}")
    assert not wrong


def test_workers_do_not_import_each_other() -> None:
    wrong = [
        f"{importer} -> {imported}"
        for importer, imported, _ in own_imports()
        if importer in WORKERS and imported in WORKERS and importer != imported
    ]
    assert not wrong


def test_only_public_names_cross_the_borders_of_packages() -> None:
    wrong = []
    for importer, imported, name in own_imports():
        if importer.split(".")[0] == imported.split(".")[0] and room_of(importer) == room_of(imported):
            continue
        if name == "__version__":
            continue
        if any(part.startswith("_") for part in imported.split(".")) or (name or "").startswith("_"):
            wrong.append(f"{importer} -> {imported}.{name}" if name else f"{importer} -> {imported}")
        path = find_source(imported)
        if name is not None and path is not None and path.name == "__init__.py":
            public = public_names(path)
            if name not in public:
                wrong.append(f"{importer} -> {imported}.{name}, which is not in its __all__")
    assert not wrong


def public_names(path: Path) -> list[str]:
    for node in tree_of(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return list(ast.literal_eval(node.value))  # type: ignore[attr-defined]
    return []


def package_files() -> list[Path]:
    return [path for path in source_files() if path.name == "__init__.py"]


@pytest.mark.parametrize("path", package_files(), ids=module_name)
def test_each_package_lists_its_public_names(path: Path) -> None:
    listed = public_names(path)
    assert len(set(listed)) == len(listed)
    imported = {
        alias.asname or alias.name
        for node in tree_of(path).body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(module_name(path) + ".")
        for alias in node.names
    }
    assert imported <= set(listed), "imported into the package and not listed"
    module = importlib.import_module(module_name(path))
    assert all(is_attribute_or_module(module, name) for name in listed)


def is_attribute_or_module(module: ModuleType, name: str) -> bool:
    return hasattr(module, name) or find_source(f"{module.__name__}.{name}") is not None


def test_threads_are_made_in_app_alone() -> None:
    wrong = []
    for path in source_files():
        if path.relative_to(ROOT).parts[0] == "app":
            continue
        for node in ast.walk(tree_of(path)):
            function = node.func if isinstance(node, ast.Call) else None
            name = getattr(function, "attr", None) or getattr(function, "id", None)
            if name in THREAD_MAKERS:
                wrong.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {name}")
    assert not wrong


def test_what_runs_before_the_set_up_needs_only_the_standard_library() -> None:
    wrong = []
    for path in source_files():
        if room_of(module_name(path)) not in STANDARD_LIBRARY_ONLY:
            continue
        for module, _, node in imports_of(path):
            top = module.split(".")[0]
            if node in tree_of(path).body and top not in sys.stdlib_module_names and top not in ("app", "launch"):
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_launch_reads_as_any_python_3() -> None:
    path = ROOT / "launch.py"
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 4))
    assert not any(isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr) for node in ast.walk(tree))
    assert {module for module, _, node in imports_of(path) if node in tree_of(path).body} == {"os", "sys"}


def test_the_distribution_that_hides_our_kernels_is_not_installed() -> None:
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("kernels")


IMPORT_EVERYTHING = """
import importlib, json, logging, os, sys, threading
third_party, ours, root = json.loads(sys.argv[1])
for name in third_party:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
import torch
effects, current = [], [""]
forbidden = ("_thread.start_new_thread", "socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.fork")
def watch(event, arguments):
    if not current[0]:
        return
    if event in forbidden:
        effects.append([current[0], event])
    if event == "open":
        path, mode = str(arguments[0]), arguments[1] or "r"
        is_cache = "__pycache__" in path
        is_data = path.startswith((root, sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/etc"))
        if not is_cache and (not is_data or any(letter in mode for letter in "wax+")):
            effects.append([current[0], "open " + path])
def state():
    return {
        "torch threads": torch.get_num_threads(), "torch interop threads": torch.get_num_interop_threads(),
        "default dtype": str(torch.get_default_dtype()), "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(), "handlers": len(logging.getLogger().handlers),
        "seed": torch.initial_seed(), "threads": threading.active_count(), "environment": dict(os.environ),
    }
sys.addaudithook(watch)
for name in ours:
    before, current[0] = state(), name
    importlib.import_module(name)
    current[0] = ""
    after = state()
    effects.extend([name, key] for key in before if before[key] != after[key])
print(json.dumps(effects))
"""


def test_importing_any_module_has_no_effect() -> None:
    """In a process of its own: libraries are imported first, so that only what our modules do is seen."""
    modules, libraries = [], set()
    for path in source_files():
        if path.name == "__main__.py":
            continue
        modules.append(module_name(path))
        for module, _, _ in imports_of(path):
            if module.split(".")[0] not in (*PACKAGES, "launch", *sys.stdlib_module_names):
                libraries.add(module)
    words = json.dumps([sorted(libraries), modules, str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
