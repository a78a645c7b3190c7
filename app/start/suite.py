"""`python3 launch.py test`: the tools of the tests, the models, then every check; stops at the first that fails.

In: further words for pytest. Out: the exit code of the first failing step, 0 when all passed. One thread.
"""

import sys

from app.install.stamp import venv_python
from app.start.child import run_child
from app.start.command import child_environment, ensure_environment, ensure_models

STEPS = (
    ("ruff format --check", ["-m", "ruff", "format", "--check", "."]),
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("pytest", ["-m", "pytest"]),
)


def run_suite(root: str, pytest_words: list[str], torch_index: str) -> int:
    ensure_environment(root, torch_index=torch_index, with_tests=True)
    ensure_models(root, with_optional=True)
    from app.assets_store import cache_dir

    # Tells the tests that the models were promised: one that lacks them fails instead of being skipped.
    environment = {**child_environment(root), "AFTERGLOW_ASSETS": str(cache_dir())}
    for name, arguments in STEPS:
        words = pytest_words if name == "pytest" else []
        sys.stderr.write(f"\n== {name} {' '.join(words)}\n")
        sys.stderr.flush()
        command = [venv_python(root), *arguments, *words]
        code = run_child(command, environment, root)
        if code != 0:
            sys.stderr.write(f"\n{name} failed (exit code {code}); the steps after it did not run.\n")
            return code
    sys.stderr.write("\nAll checks passed.\n")
    return 0
