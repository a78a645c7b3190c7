"""Makes the cache folder whole when it is not, and otherwise costs a few file look-ups.

In: the cache folder. Out: AssetPaths, or SetupError with a sentence. The caller's thread; a lock keeps others out.
"""

from collections.abc import Sequence
from pathlib import Path

from app.assets_store.catalogue import PACKAGES, AssetPaths, Package, asset_paths, cache_dir
from app.assets_store.state import check_assets
from app.install.errors import explain_os_error
from app.install.progress import ProgressLine


def ensure_assets(
    progress: ProgressLine | None = None, folder: Path | None = None, packages: Sequence[Package] = PACKAGES
) -> AssetPaths:
    """The paths of the converted models, all of them there; returns at once when nothing is missing."""
    folder = folder if folder is not None else cache_dir()
    if incomplete_packages(folder, packages):
        # Imported now: most starts have nothing to fetch and should not pay for what fetching needs.
        from app.assets_store.fetching import fetch_all
        from app.install.lock import folder_lock

        line = progress if progress is not None else ProgressLine()
        try:
            with folder_lock(folder / "lock", on_wait=lambda: line.say("Another start fetches the models: waiting.")):
                # Asked again: the other start may have done it.
                fetch_all(folder, incomplete_packages(folder, packages), line)
        except OSError as error:
            raise explain_os_error(error, str(folder), "the models were being fetched") from error
    return asset_paths(folder)


def incomplete_packages(folder: Path, packages: Sequence[Package]) -> list[Package]:
    def is_whole(package: Package) -> bool:
        return all(state.is_usable for state in check_assets(folder, packages=(package,)))

    return [package for package in packages if not is_whole(package)]
