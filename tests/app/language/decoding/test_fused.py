"""The fast path is the same function as the model's definition."""

import pytest
import torch

from app.language.decoding import FusedDecoder, best_precision
from app.language.decoding.linear import Linear
from tests.fakes import tiny_language_model

NUM_TOKENS = 90  # more than one attention block


@pytest.fixture
def embeddings() -> torch.Tensor:
    return torch.randn(NUM_TOKENS, 24, generator=torch.Generator().manual_seed(1))


def reference_hidden(embeddings: torch.Tensor) -> torch.Tensor:
    model = tiny_language_model()
    return model(embeddings[None], torch.arange(len(embeddings))[None])[0]


def fused(precision: str = "float32") -> FusedDecoder:
    model = tiny_language_model()
    return FusedDecoder(model.config, model.state_dict(), precision)


@pytest.mark.parametrize("cuts", [(), (1,), (40,), (64,), (65, 66, 67), (30, 89)])
def test_any_split_of_the_sequence_gives_the_states_of_one_full_pass(
    embeddings: torch.Tensor, cuts: tuple[int, ...]
) -> None:
    decoder = fused()
    cache = decoder.new_cache(NUM_TOKENS)
    bounds = [0, *cuts, NUM_TOKENS]
    parts = [decoder.forward(embeddings[start:end], cache) for start, end in zip(bounds, bounds[1:], strict=False)]
    torch.testing.assert_close(torch.cat(parts), reference_hidden(embeddings), atol=2e-4, rtol=1e-4)
    assert cache.length == NUM_TOKENS


def test_the_input_embeddings_are_not_changed(embeddings: torch.Tensor) -> None:
    before = embeddings.clone()
    decoder = fused()
    decoder.forward(embeddings, decoder.new_cache(NUM_TOKENS))
    assert torch.equal(embeddings, before)


def test_next_ids_are_the_argmax_of_the_exact_logits(embeddings: torch.Tensor) -> None:
    hidden = reference_hidden(embeddings)
    assert torch.equal(fused().next_ids(hidden), tiny_language_model().logits(hidden).argmax(dim=-1))


def test_a_tie_goes_to_the_lowest_id() -> None:
    model = tiny_language_model()
    model.embed_tokens.weight[[7, 20]] = 9.0
    decoder = FusedDecoder(model.config, model.state_dict(), "float32")
    assert decoder.next_ids(torch.ones(1, 24)).tolist() == [7]


def test_bfloat16_stays_near_float32(embeddings: torch.Tensor) -> None:
    decoder = fused("bfloat16")
    hidden = decoder.forward(embeddings, decoder.new_cache(NUM_TOKENS))
    assert hidden.dtype == torch.float32
    reference = reference_hidden(embeddings)
    assert (hidden - reference).norm() / reference.norm() < 0.1


def test_a_linear_copies_its_weight() -> None:
    weight, x = torch.randn(5, 3), torch.randn(4, 3)
    linear = Linear(weight, "float32")
    expected = x @ weight.T
    weight.zero_()
    torch.testing.assert_close(linear(x), expected)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match=r"float32.*got 'int3'"):
        Linear(torch.zeros(2, 2), "int3")


def test_without_bfloat16_instructions_float32_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert best_precision("cpu") == "float32"
