"""With SmolLM2's own weights: the fast path agrees with the definition, in every precision."""

import os

import pytest
import torch

from app.assets_store import asset_paths
from app.language.decoding import Engine, FusedDecoder
from app.language.embedded.smollm import SmolLM
from app.language.embedded.tokenizer import TextTokenizer
from app.language.embedded.weights import load_smollm

TEXT = (
    "A camera watches a quiet street. At 0:12 two people walk from left to right, and a dog follows them. At 0:40 a "
    "red truck stops in front of the house; one man gets out, carries three boxes to the door, and comes back. Nobody "
    "is seen between 1:05 and 2:30, except for a cat on the wall. Question: how many people were there at 0:12?\n"
    "Answer: There were"
)

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    if not asset_paths().smollm2_tokenizer.exists() and "AFTERGLOW_ASSETS" not in os.environ:
        pytest.skip("the weights were not fetched; `python3 launch.py test` does it")
    return TextTokenizer(asset_paths().smollm2_tokenizer)


@pytest.fixture(scope="module")
def model(tokenizer: TextTokenizer) -> SmolLM:
    return load_smollm(asset_paths().smollm2)


def test_the_base_model_knows_a_capital(model: SmolLM, tokenizer: TextTokenizer) -> None:
    engine = Engine(FusedDecoder(model.config, model.state_dict(), "float32"))
    engine.prefill(engine.embed(tokenizer.encode("The capital of France is")))
    assert tokenizer.decode(list(engine.decode_greedy(tokenizer.stop_ids, 1))) == " Paris"


@pytest.mark.parametrize(("precision", "min_agreement"), [("float32", 1.0), ("bfloat16", 0.96)])
def test_each_precision_predicts_what_the_definition_does(
    model: SmolLM, tokenizer: TextTokenizer, precision: str, min_agreement: float
) -> None:
    ids = tokenizer.encode(TEXT)
    decoder = FusedDecoder(model.config, model.state_dict(), precision)
    with torch.inference_mode():
        expected = model.logits(model(model.embed(torch.tensor([ids])), torch.arange(len(ids))[None]))[0].argmax(-1)
        hidden = decoder.forward(decoder.embed(torch.tensor(ids)), decoder.new_cache(len(ids)))
        agreement = (decoder.next_ids(hidden) == expected).float().mean().item()
    assert agreement >= min_agreement
