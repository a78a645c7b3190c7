"""Which tests can run here: those marked `weights` and `gpu` need what a bare machine may lack.

`python3 launch.py test` promises the models (AFTERGLOW_ASSETS): there a test that lacks them fails. Otherwise they are
skipped, and only where no model was ever fetched.
"""

import os

import pytest

from app.assets_store import cache_dir


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    has_models = bool(os.environ.get("AFTERGLOW_ASSETS")) or cache_dir().exists()
    skip_weights = pytest.mark.skip(reason="no models: python3 launch.py test fetches them")
    skip_gpu = pytest.mark.skip(reason="needs an NVIDIA GPU")
    has_gpu = any("gpu" in item.keywords for item in items) and is_gpu_usable()
    for item in items:
        if "weights" in item.keywords and not has_models:
            item.add_marker(skip_weights)
        if "gpu" in item.keywords and not has_gpu:
            item.add_marker(skip_gpu)


def is_gpu_usable() -> bool:
    import torch

    return torch.cuda.is_available()
