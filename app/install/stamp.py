"""The stamp in .venv: says which requirements are installed there, so that a second start does nothing twice.

In: the folder of Afterglow. Out: whether .venv is ready. Imports next to nothing: this runs on every start.
The stamp is written last, so that an interrupted set-up is never taken for a finished one.
"""

import os
import sys

FORMAT = "1"
VENV_NAME = ".venv"
STAMP_NAME = "afterglow.stamp"


def venv_python(root: str) -> str:
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(root, VENV_NAME, *parts)


def read_stamp(root: str) -> dict[str, str]:
    """The stamp's lines "name value"; empty when there is none."""
    try:
        with open(os.path.join(root, VENV_NAME, STAMP_NAME), encoding="utf-8") as file:
            return dict(line.rstrip("\n").split(" ", 1) for line in file if " " in line)
    except (OSError, ValueError):
        return {}


def write_stamp(root: str, fields: dict[str, str]) -> None:
    path = os.path.join(root, VENV_NAME, STAMP_NAME)
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.writelines(f"{name} {value}\n" for name, value in fields.items())
    os.replace(path + ".part", path)


def stamp_fields(root: str, with_tests: bool) -> dict[str, str]:
    """What a valid stamp says of the requirements and of the interpreter, as they are now."""
    return {
        "format": FORMAT,
        "requirements": file_digest(os.path.join(root, "requirements.txt")),
        "interpreter": os.path.realpath(venv_python(root)),
        **({"tests": file_digest(os.path.join(root, "tests", "requirements.txt"))} if with_tests else {}),
    }


def is_ready(root: str, with_tests: bool = False, torch_index: str = "") -> bool:
    """Whether .venv holds what the requirements ask for now, with an interpreter that still exists."""
    stamp = read_stamp(root)
    if not stamp or not os.path.exists(venv_python(root)):
        return False
    if torch_index and stamp.get("torch_index") != torch_index:
        return False
    return all(stamp.get(name) == value for name, value in stamp_fields(root, with_tests).items())


def shadowing_package(site_packages: str) -> str | None:
    """The installed distribution that is called like our folder `kernels`, which breaks transformers; None is right."""
    try:
        names = os.listdir(site_packages)
    except OSError:
        return None
    return next((name for name in names if name.startswith("kernels-") and name.endswith(".dist-info")), None)


def file_digest(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        # Line ends differ between checkouts of the same list.
        return hashlib.sha256(file.read().replace(b"\r\n", b"\n")).hexdigest()


def base_interpreter() -> str:
    """The Python that runs this, or the one behind it when it is a virtual environment's."""
    return getattr(sys, "_base_executable", None) or sys.executable
