"""The whole encoder on pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vision.encoders import CONCEPTS, EncodedFrame, SemanticEncoder, read_grid
from vision.encoders import semantic as semantic_module
from vision.encoders.semantic import SemanticEncoderConfig
from vision.errors import ModelMissingError


@pytest.fixture(scope="module")
def shared_encoder() -> SemanticEncoder:
    return SemanticEncoder()


@pytest.fixture
def encoder(shared_encoder: SemanticEncoder) -> SemanticEncoder:
    shared_encoder.reset()
    return shared_encoder


def seen_in(encoded: EncodedFrame, encoder: SemanticEncoder) -> dict[str, float]:
    return {CONCEPTS[one.index].name: one.count for one in read_grid(encoded.tokens, encoder.layout)}


def photograph(name: str) -> np.ndarray:
    from skimage import data

    return np.ascontiguousarray(getattr(data, name)()[..., :3])


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"efficientnet_lite2.safetensors .* `python3 launch.py`"):
        SemanticEncoder(tmp_path)


def test_a_damaged_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "efficientnet_lite2.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelMissingError, match=r"damaged .* `python3 launch.py`"):
        SemanticEncoder(tmp_path)


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.assets_store import cache_dir

    for name, value in (("AFTERGLOW_HOME", "/somewhere/else"), ("XDG_CACHE_HOME", "/caches"), ("HOME", "/home/me")):
        for other in ("AFTERGLOW_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv(name, value)
        assert semantic_module.default_weights_dir() == cache_dir()


def test_looks_outside_the_sensible_are_refused() -> None:
    with pytest.raises(ValueError, match="fine_side_px must be in 64..1280, got 10"):
        SemanticEncoderConfig(fine_side_px=10)


@pytest.mark.weights
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 640), (333, 5), (47, 91), (240, 320), (90, 1000)])
def test_pictures_of_any_size_give_finite_tokens(encoder: SemanticEncoder, height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    encoded = encoder.encode(image)
    layout = encoder.layout
    assert encoded.tokens.shape == (layout.num_tokens, layout.token_dim) and encoded.tokens.dtype == np.float32
    assert np.isfinite(encoded.tokens).all()
    assert np.linalg.norm(encoded.key) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.weights
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_plain_wall_shows_nothing(encoder: SemanticEncoder, shade: int) -> None:
    assert seen_in(encoder.encode(np.full((360, 640, 3), shade, dtype=np.uint8)), encoder) == {}


@pytest.mark.weights
def test_noise_shows_nothing(encoder: SemanticEncoder) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    assert seen_in(encoder.encode(noise), encoder) == {}


@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "things"), [("chelsea", {"cat"}), ("astronaut", {"person"}), ("coffee", {"cup", "coffee"})]
)
def test_photographs_show_what_is_plainly_there_once(encoder: SemanticEncoder, name: str, things: set[str]) -> None:
    seen = seen_in(encoder.encode(photograph(name)), encoder)
    assert set(seen) == things
    assert all(count == pytest.approx(1.0, abs=0.25) for count in seen.values())


@pytest.mark.weights
def test_places_are_fractions_of_the_picture_also_in_a_wide_one(encoder: SemanticEncoder) -> None:
    cat = photograph("chelsea")
    wide = np.full((cat.shape[0], 2 * cat.shape[1], 3), 90, dtype=np.uint8)
    wide[:, cat.shape[1] :] = cat
    (seen,) = [
        one for one in read_grid(encoder.encode(wide).tokens, encoder.layout) if CONCEPTS[one.index].name == "cat"
    ]
    assert seen.cx == pytest.approx(0.75, abs=0.08)
    assert seen.cy == pytest.approx(0.5, abs=0.12)


@pytest.mark.weights
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "rocket"])
def test_a_photograph_is_not_taken_for_a_drawing_however_long_it_is_shown(encoder: SemanticEncoder, name: str) -> None:
    image = photograph(name)
    with torch.inference_mode():
        logits = encoder.classify(image)
    assert encoder._drawn.score(logits) < 0.0
    assert {encoder._drawn.doubt(logits) for _ in range(30)} == {0.0}


def test_motion_is_where_the_picture_changed_and_nowhere_at_first(encoder: SemanticEncoder) -> None:
    still = np.full((240, 240, 3), 60, dtype=np.uint8)
    moved = still.copy()
    moved[:40, :40] = 200
    layout = encoder.layout
    assert not encoder.encode(still).tokens[:, layout.motion].any()
    motion = encoder.encode(moved).tokens[:, layout.motion].reshape(12, 12)
    assert motion[:2, :2].min() > 0.4 and motion[3:].max() < 0.01
    encoder.reset()
    assert not encoder.encode(still).tokens[:, layout.motion].any()


@pytest.mark.weights
def test_the_same_picture_gives_the_same_tokens(encoder: SemanticEncoder) -> None:
    image = photograph("astronaut")
    first, second = encoder.encode(image), encoder.encode(np.asfortranarray(image))
    assert np.array_equal(first.tokens, second.tokens) and np.array_equal(first.key, second.key)


@pytest.mark.weights
def test_wrong_images_are_refused_by_name(encoder: SemanticEncoder) -> None:
    for image in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="expected a uint8 image"):
            encoder.encode(image)  # type: ignore[arg-type]


def test_the_module_does_not_change_torchs_settings() -> None:
    assert torch.is_grad_enabled()
