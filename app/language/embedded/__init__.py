"""The language model that Afterglow brings along: it needs no model hub. Importing this package loads nothing."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.assets_store import AssetPaths
    from app.language.lmm import LMM

__all__ = ["load"]


def load(paths: "AssetPaths") -> "LMM":
    """The embedded LMM from the converted files. Call it in the thread that will use it."""
    from app.language.embedded.lmm import load_embedded

    return load_embedded(paths.smollm2, paths.smollm2_tokenizer)
