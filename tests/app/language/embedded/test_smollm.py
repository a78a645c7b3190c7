"""SmolLM2's definition: shapes, masks, cache, gradients."""

import pytest
import torch

from app.language.decoding import StaticKVCache
from app.language.embedded.smollm import SmolLMConfig
from tests.fakes import tiny_language_model


def test_a_cached_pass_equals_a_full_pass() -> None:
    model = tiny_language_model()
    embeddings, positions = torch.randn(1, 10, 24), torch.arange(10)[None]
    full = model(embeddings, positions)
    cache = StaticKVCache(num_layers=2, num_kv_heads=2, head_dim=4, max_tokens=10)
    for start, end in ((0, 4), (4, 5), (5, 10)):
        part = model(embeddings[:, start:end], positions[:, start:end], cache=cache)
        cache.commit(end - start)
        torch.testing.assert_close(part, full[:, start:end], atol=1e-5, rtol=1e-5)


def test_a_causal_mask_is_the_default() -> None:
    model = tiny_language_model()
    embeddings, positions = torch.randn(2, 7, 24), torch.arange(7).expand(2, 7)
    mask = torch.ones(7, 7, dtype=torch.bool).tril().expand(2, 1, 7, 7)
    torch.testing.assert_close(model(embeddings, positions), model(embeddings, positions, mask), atol=1e-5, rtol=1e-5)


def test_only_distances_between_positions_matter() -> None:
    model = tiny_language_model()
    embeddings = torch.randn(1, 6, 24)
    near, far = (model(embeddings, torch.arange(start, start + 6)[None]) for start in (0, 50))
    torch.testing.assert_close(near, far, atol=1e-4, rtol=1e-4)


def test_logits_are_the_tied_embeddings() -> None:
    model = tiny_language_model()
    hidden = torch.randn(3, 24)
    torch.testing.assert_close(model.logits(hidden), hidden @ model.embed(torch.arange(61)).T)


@pytest.mark.parametrize(("field", "value"), [("num_layers", 0), ("num_kv_heads", 2), ("head_dim", 63)])
def test_config_refuses_shapes_that_cannot_be(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=field):
        SmolLMConfig(**{field: value})


def test_config_survives_metadata() -> None:
    config = SmolLMConfig(num_layers=3, rope_theta=500.0)
    assert SmolLMConfig.from_metadata(config.to_metadata()) == config
    assert SmolLMConfig.from_metadata(None) == SmolLMConfig()
