"""What the user chose to watch, and the source that it means.

Comes in: the words of the page. Goes out: a Choice, then an unopened source that can be ended. No thread, no state.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from app import loading
from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.web.stoppable_source import StoppableSource
from vision import SourceOpenError
from vision.sources import OWNER, PushedSource, SourceAccess, open_source

__all__ = ["DEMO_CLIP", "Choice", "EndableSource", "make_camera_source", "make_source", "read_choice"]

DEMO_CLIP = Path(__file__).resolve().parents[2] / "assets" / "demo" / "photo_walk.mp4"
_DEMO_NAME = "the demo clip (photo_walk.mp4)"

EndableSource = StoppableSource | PushedSource


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing to watch."""

    kind: Literal["browser", "demo", "named"]
    spec: str = field(default="", repr=False)  # for "named": it may hold a password


def read_choice(kind: object, spec: object) -> Choice:
    """Raises SourceOpenError with a sentence for what the page cannot have meant."""
    if kind == "browser":
        return Choice(kind="browser")
    if kind == "demo":
        return Choice(kind="demo")
    if kind != "named" or not isinstance(spec, str):
        raise SourceOpenError("Choose a camera, a file or an address to watch.", "bad_url")
    return Choice(kind="named", spec=_unquoted(spec.strip()))


def make_source(choice: Choice, config: CaptureConfig, access: SourceAccess = OWNER) -> EndableSource:
    """The source, not yet opened. access: what pages may open.

    Raises SourceOpenError if the text names none, or one that is not for pages.
    """
    if choice.kind == "browser":
        return PushedSource("the camera of this browser", config.reading, capacity=1)
    if choice.kind == "demo":
        return StoppableSource(open_source(str(DEMO_CLIP), config.reading), _DEMO_NAME)
    return StoppableSource(open_source(choice.spec, config.reading, access=access))


def make_camera_source(config: AssistantConfig) -> StoppableSource:
    """The owner's source, not yet opened. Raises SourceOpenError if the configuration names none."""
    return StoppableSource(loading.make_source(config))


def _unquoted(text: str) -> str:
    """File managers copy paths in quotation marks."""
    is_quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if is_quoted else text
