"""cameras.yaml, checked: every mistake with its line, all of them at once.

Comes in: a path. Goes out: the cameras to record, or the list of what is wrong. Nothing in the file is carried out:
nodes are read, never made into objects, and references (&, *) are refused. Pure but for reading the file.
"""

import difflib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from app.reading_options import ReadingOptions
from app.recording.folder import NAME_RULE, default_data_folder, is_name

__all__ = ["CameraEntry", "CamerasFile", "Problem", "read_cameras"]

_MAX_FILE_BYTES, _MAX_CAMERAS = 256 * 1024, 64
_MAX_DEPTH = 16
_TOP = ("data", "cameras", "defaults")
_NUMBERS = {"max_gb": (0.01, 1e6), "max_days": (0.001, 36_500.0), "fps": (0.1, 30.0), "min_free_gb": (0.0, 1e6)}
_READING = ("ca_file", "hardware", "tls_check")
_OPTIONS = (*_NUMBERS, "video", *_READING)
_CAMERA = ("name", "source", "credentials_file", *_OPTIONS)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Problem:
    line: int  # from 1
    sentence: str


@dataclass(frozen=True, kw_only=True)
class CameraEntry:
    """One camera to record. The source may hold a password and is not shown."""

    name: str
    source: str = field(repr=False)
    credentials_file: str | None = None
    fps: float = 1.0
    max_gb: float = 20.0
    max_days: float = 7.0
    min_free_gb: float = 1.0
    video: bool = True
    reading: ReadingOptions = ReadingOptions()


@dataclass(frozen=True, kw_only=True)
class CamerasFile:
    """What the file says. `cameras` can be used only where there are no problems."""

    data: Path
    cameras: tuple[CameraEntry, ...]
    problems: tuple[Problem, ...]


def read_cameras(path: Path, environ: Mapping[str, str] | None = None) -> CamerasFile:
    """environ: where ${NAME} in a source is looked up."""
    reading = _Reading(os.environ if environ is None else environ, path.parent.absolute())
    data = default_data_folder()
    cameras: list[CameraEntry] = []
    root = _root(path, reading)
    if root is not None:
        parts = reading.mapping(root, _TOP, "the file")
        data = reading.folder(parts.get("data"), path.parent) or data
        defaults = reading.options(parts.get("defaults"), _OPTIONS)
        cameras = reading.cameras(parts.get("cameras"), defaults, root)
    return CamerasFile(data=data, cameras=tuple(cameras), problems=tuple(sorted(reading.problems, key=_line)))


def _root(path: Path, reading: "_Reading") -> Any:
    """The file as nodes with their lines; None when it cannot be read at all."""
    text = _text(path, reading)
    if text is None:
        return None
    try:
        if not _is_plain(text, reading):
            return None
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        reason = getattr(error, "problem", None) or "it is not YAML"
        reading.add_at(1 if mark is None else mark.line + 1, f"This is not YAML: {reason}.")
        return None
    if root is None:
        reading.add_at(1, "The file is empty: it needs at least `cameras:` with a name and a source.")
    return root


def _text(path: Path, reading: "_Reading") -> str | None:
    """Of a regular file alone: a pipe would not end, nor a device."""
    reason: str | None = "it is no file"
    try:
        about = path.stat()
        if about.st_size > _MAX_FILE_BYTES:
            reading.add_at(1, f"{path} is larger than {_MAX_FILE_BYTES // 1024} KiB: this is no list of cameras.")
            return None
        if stat.S_ISREG(about.st_mode):
            return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    reading.add_at(1, f"{path} cannot be read: {reason}.")
    return None


def _is_plain(text: str, reading: "_Reading") -> bool:
    """False: it refers to itself, or goes deeper than any list of cameras. Looked at before anything is built of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            reading.add_at(line, "References (& and *) are not read: write the value out.")
            return False
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            reading.add_at(line, "Nothing in a list of cameras is nested as deep as this.")
            return False
    return True


class _Reading:
    """Collects what is wrong while it reads."""

    def __init__(self, environ: Mapping[str, str], beside: Path) -> None:
        self.problems: list[Problem] = []
        self._environ, self._beside = environ, beside

    def add_at(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(line, sentence))

    def add(self, node: Any, sentence: str) -> None:
        self.add_at(node.start_mark.line + 1, sentence)

    def mapping(self, node: Any, known: tuple[str, ...], what: str) -> dict[str, Any]:
        """The values of the keys that are known."""
        if not isinstance(node, yaml.MappingNode):
            self.add(node, f"Here {what} should be `key: value` lines.")
            return {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
                self.add(key, f"{name[:60]!r} is not known: {hint}")
            elif name in found:
                self.add(key, f"{name!r} is given twice.")
            else:
                found[name] = value
        return found

    def cameras(self, node: Any, defaults: dict[str, Any], root: Any) -> list[CameraEntry]:
        if node is None:
            self.add(root, "There is no `cameras:` list.")
            return []
        if not isinstance(node, yaml.SequenceNode) or not 1 <= len(node.value) <= _MAX_CAMERAS:
            self.add(node, f"`cameras` should be a list of 1 to {_MAX_CAMERAS} entries, each beginning with `- name:`.")
            return []
        cameras: list[CameraEntry] = []
        lines: dict[str, int] = {}
        for one in node.value:
            parts = self.mapping(one, _CAMERA, "a camera")
            options = self.options(one, _CAMERA, parts)
            name, source = self._name(one, parts), self._source(one, parts)
            if name is None or source is None:
                continue
            if name in lines:
                self.add(parts["name"], f"There is a camera {name!r} already, on line {lines[name]}.")
                continue
            lines[name] = parts["name"].start_mark.line + 1
            secret = self.text(parts.get("credentials_file"), "credentials_file")
            options = {**defaults, **options}
            reading = self._reading(options)
            cameras.append(CameraEntry(name=name, source=source, credentials_file=secret, reading=reading, **options))
        return cameras

    def options(self, node: Any, known: tuple[str, ...], parts: dict[str, Any] | None = None) -> dict[str, Any]:
        """Numbers and switches."""
        if node is None:
            return {}
        parts = self.mapping(node, known, "`defaults`") if parts is None else parts
        found: dict[str, Any] = {}
        for name, (low, high) in _NUMBERS.items():
            if name in parts:
                value = _number(parts[name])
                if value is None or not low <= value <= high:
                    self.add(parts[name], f"{name} should be a number from {low:g} to {high:g}.")
                else:
                    found[name] = value
        for name in ("video", "tls_check"):
            if name in parts:
                found[name] = self._switch(parts[name], name)
        for name in ("ca_file", "hardware"):
            if name in parts:
                found[name] = self.text(parts[name], name)
        return found

    def _reading(self, options: dict[str, Any]) -> ReadingOptions:
        """Takes what it needs out of the options. A path that is not absolute lies beside the file."""
        ca_file = options.pop("ca_file", None)
        return ReadingOptions(
            ca_file=None if ca_file is None else str(self._beside / os.path.expanduser(ca_file)),
            checks_tls=options.pop("tls_check", True),
            hardware=options.pop("hardware", None),
        )

    def _switch(self, node: Any, name: str) -> bool:
        if node.tag != "tag:yaml.org,2002:bool":
            self.add(node, f"{name} should be true or false.")
        return str(node.value).lower() in ("true", "yes", "on")

    def folder(self, node: Any, beside: Path) -> Path | None:
        """A folder; one that is not absolute lies beside the file."""
        text = self.text(node, "data")
        return None if text is None else beside / os.path.expanduser(text)

    def text(self, node: Any, name: str) -> str | None:
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str" or not node.value.strip():
            self.add(node, f"{name} should be a text.")
            return None
        return str(node.value)

    def _name(self, camera: Any, parts: dict[str, Any]) -> str | None:
        if "name" not in parts:
            self.add(camera, "This camera has no name.")
            return None
        name = str(parts["name"].value)
        if not isinstance(parts["name"], yaml.ScalarNode) or not is_name(name):
            self.add(parts["name"], f"{name[:40]!r} is no name for a camera: use {NAME_RULE}.")
            return None
        return name

    def _source(self, camera: Any, parts: dict[str, Any]) -> str | None:
        """With its variables in place. Raises nothing: what it names is checked without being opened."""
        if "source" not in parts:
            self.add(camera, "This camera has no source.")
            return None
        text = self.text(parts["source"], "source")
        if text is None:
            return None
        missing = [name for name in _VARIABLE.findall(text) if name not in self._environ]
        if missing:
            self.add(parts["source"], f"The environment has no {missing[0]}: set it, or use credentials_file.")
            return None
        source = _VARIABLE.sub(lambda match: self._environ[match[1]], text)
        from vision import SourceOpenError
        from vision.sources import parse_spec

        try:
            parse_spec(source)
        except SourceOpenError as error:
            self.add(parts["source"], str(error))
            return None
        return source


def _number(node: Any) -> float | None:
    is_number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    try:
        return float(node.value) if is_number else None
    except ValueError:
        return None


def _line(problem: Problem) -> int:
    return problem.line
