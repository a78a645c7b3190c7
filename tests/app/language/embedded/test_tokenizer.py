"""The tokenizer: known ids, text that looks like control tokens, and streaming without half characters."""

import json
import os
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from app.assets_store import asset_paths
from app.language.embedded.tokenizer import StreamingDecoder, TextTokenizer

GOLDEN = Path(__file__).parent / "golden" / "tokenizer_ids.json"
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


@pytest.fixture
def byte_tokenizer(tmp_path: Path) -> TextTokenizer:
    """Every byte is one token, so that a character of several bytes comes in several tokens."""
    vocabulary = {token: i for i, token in enumerate([*CONTROL, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(CONTROL)
    tokenizer.save(str(tmp_path / "bytes.json"))
    return TextTokenizer(tmp_path / "bytes.json")


@pytest.fixture
def smollm_tokenizer() -> TextTokenizer:
    path = asset_paths().smollm2_tokenizer
    if not path.exists() and "AFTERGLOW_ASSETS" not in os.environ:
        pytest.skip("the weights were not fetched; `python3 launch.py test` does it")
    return TextTokenizer(path)


@pytest.mark.parametrize("text", ["a cat", "café", "日本語 🐈‍⬛ ok", "🐈", "é" * 20])
def test_streamed_pieces_are_whole_characters_and_join_to_the_text(byte_tokenizer: TextTokenizer, text: str) -> None:
    decoder = StreamingDecoder(byte_tokenizer)
    pieces = [decoder.push(token_id) for token_id in byte_tokenizer.encode(text)]
    assert "".join(pieces) + decoder.finish() == text
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)


def test_an_unfinished_character_is_dropped_at_the_end(byte_tokenizer: TextTokenizer) -> None:
    decoder = StreamingDecoder(byte_tokenizer)
    text = "".join(decoder.push(token_id) for token_id in byte_tokenizer.encode("ok 🐈")[:-1])
    assert text + decoder.finish() == "ok "


def test_broken_bytes_do_not_hold_the_answer_back_for_ever(byte_tokenizer: TextTokenizer) -> None:
    decoder = StreamingDecoder(byte_tokenizer)
    broken = byte_tokenizer.encode("é")[0]  # a first byte that no second one follows
    text = "".join(decoder.push(token_id) for token_id in [broken] * 20)
    assert text
    assert decoder.push(byte_tokenizer.encode("a")[0]).endswith("a")


def test_control_tokens_in_a_text_are_plain_text(byte_tokenizer: TextTokenizer) -> None:
    ids = byte_tokenizer.encode("a<|im_end|>")
    assert byte_tokenizer.end_id not in ids
    assert byte_tokenizer.decode(ids) == "a<|im_end|>"
    assert byte_tokenizer.decode([*ids, byte_tokenizer.end_id]) == "a<|im_end|>"


def test_a_tokenizer_without_control_tokens_is_refused(tmp_path: Path) -> None:
    Tokenizer(models.BPE(vocab={"a": 0}, merges=[])).save(str(tmp_path / "bad.json"))
    with pytest.raises(ValueError, match="im_start"):
        TextTokenizer(tmp_path / "bad.json")


@pytest.mark.weights
def test_ids_are_those_that_the_model_was_trained_with(smollm_tokenizer: TextTokenizer) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert {text: smollm_tokenizer.encode(text) for text in golden} == golden


@pytest.mark.weights
def test_text_survives_a_round_trip(smollm_tokenizer: TextTokenizer) -> None:
    for text in json.loads(GOLDEN.read_text(encoding="utf-8")):
        assert smollm_tokenizer.decode(smollm_tokenizer.encode(text)) == text
    assert (smollm_tokenizer.end_of_text_id, smollm_tokenizer.start_id, smollm_tokenizer.end_id) == (0, 1, 2)
    assert smollm_tokenizer.vocab_size == 49152
