from pathlib import Path

import pytest

from app import loading
from app.config import AssistantConfig
from app.errors import WeightsMissingError
from tests.fakes import FakeEncoder, make_frame
from vision import Frame, SourceOpenError


def test_missing_weights_are_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AFTERGLOW_HOME", str(tmp_path))
    for load in (loading.load_encoder, loading.load_lmm):
        with pytest.raises(WeightsMissingError, match="run `python3 launch.py`"):
            load()


def test_memory_has_the_shape_of_what_the_encoder_gives() -> None:
    memory = loading.make_memory(AssistantConfig(), FakeEncoder())
    encoded = FakeEncoder().encode(make_frame(0, 0.0).image)
    memory.write(encoded.tokens, encoded.key, 0.0, 0)
    assert memory.snapshot().frames_seen == 1


def test_default_source_needs_no_camera() -> None:
    source = loading.make_source(AssistantConfig())
    source.open()
    assert isinstance(source.read(5.0), Frame)
    source.close()


def test_source_is_made_but_not_opened(tmp_path: Path) -> None:
    source = loading.make_source(AssistantConfig(source=str(tmp_path / "none.mp4")))
    with pytest.raises(SourceOpenError):
        source.open()
    source.close()
