"""Pictures in, semantic grids out: which named concepts are seen, how many, where, how large.

`SemanticEncoder` (which brings torch with it, and is therefore loaded when first asked for) turns a picture into visual
tokens; the rest describes these tokens in plain numbers and words.
"""

from typing import TYPE_CHECKING, Any

from vision.encoders.concepts import CONCEPTS, KINDS, NUM_COCO, Concept
from vision.encoders.semantic_grid import GridLayout, Instance, SeenConcept, grid_from_objects, grid_key, read_grid

if TYPE_CHECKING:
    from vision.encoders.semantic import EncodedFrame, SemanticEncoder

__all__ = [
    "CONCEPTS",
    "KINDS",
    "NUM_COCO",
    "Concept",
    "EncodedFrame",
    "GridLayout",
    "Instance",
    "SeenConcept",
    "SemanticEncoder",
    "grid_from_objects",
    "grid_key",
    "read_grid",
]


def __getattr__(name: str) -> Any:
    if name in ("EncodedFrame", "SemanticEncoder"):
        from vision.encoders import semantic

        return getattr(semantic, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
