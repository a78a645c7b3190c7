"""The weights that the repository carries: every model card in assets/models names its file's SHA-256.

In: the folder of Afterglow. Out: AssetState values: "damaged" when the card does not hold the file's hash.
"""

from pathlib import Path

from app.assets_store.state import AssetState, file_sha256


def check_committed(root: Path) -> list[AssetState]:
    """One state for each card and each file in assets/models; reads every file."""
    folder = root / "assets" / "models"
    names = sorted({path.stem for path in folder.glob("*.safetensors")} | {path.stem for path in folder.glob("*.md")})
    return [
        committed_state(folder / f"{name}.safetensors", folder / f"{name}.md") for name in names if name != "README"
    ]


def committed_state(path: Path, card: Path) -> AssetState:
    if not path.is_file():
        return AssetState(name=path.name, path=path, status="missing", num_bytes=0)
    promised = card.read_text(encoding="utf-8").lower() if card.is_file() else ""
    status = "present" if file_sha256(path) in promised else "damaged"
    return AssetState(name=path.name, path=path, status=status, num_bytes=path.stat().st_size)
