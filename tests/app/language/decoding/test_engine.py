"""The engine: cached decoding equals full passes, prefixes are reused, limits and cancels hold."""

from collections.abc import Callable

import pytest
import torch

from app.language.decoding import DecodingError, Engine, EngineConfig, FusedDecoder, PromptTooLongError
from app.language.embedded.smollm import SmolLM
from tests.fakes import tiny_language_model

PROMPT = [3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32]


@pytest.fixture
def model() -> SmolLM:
    return tiny_language_model()


def make_engine(model: SmolLM, max_tokens: int = 64, chunk_tokens: int = 512) -> Engine:
    decoder = FusedDecoder(model.config, model.state_dict(), "float32")
    return Engine(decoder, EngineConfig(max_tokens=max_tokens, chunk_tokens=chunk_tokens))


def decode_by_full_passes(model: SmolLM, prompt: list[int], count: int) -> list[int]:
    ids = list(prompt)
    for _ in range(count):
        hidden = model(model.embed(torch.tensor([ids])), torch.arange(len(ids))[None])
        ids.append(int(model.logits(hidden[0, -1]).argmax()))
    return ids[len(prompt) :]


def after(polls: int) -> Callable[[], bool]:
    """A cancel that comes at the given poll."""
    calls = iter(range(10**6))
    return lambda: next(calls) >= polls


@pytest.mark.parametrize("chunk_tokens", [1, 5, 512])
def test_cached_decoding_equals_full_passes_token_for_token(model: SmolLM, chunk_tokens: int) -> None:
    engine = make_engine(model, chunk_tokens=chunk_tokens)
    engine.prefill(engine.embed(PROMPT))
    assert list(engine.decode_greedy((), 20)) == decode_by_full_passes(model, PROMPT, 20)


def test_a_second_prompt_computes_only_what_differs(model: SmolLM) -> None:
    engine = make_engine(model)
    engine.prefill(engine.embed(PROMPT))
    list(engine.decode_greedy((), 5))
    other = PROMPT[:8] + [40, 41]
    report = engine.prefill(engine.embed(other))
    assert (report.num_tokens, report.num_reused, report.was_cancelled) == (10, 8, False)
    assert list(engine.decode_greedy((), 10)) == decode_by_full_passes(model, other, 10)


def test_the_same_prompt_again_computes_its_last_position(model: SmolLM) -> None:
    engine = make_engine(model)
    engine.prefill(engine.embed(PROMPT))
    first = list(engine.decode_greedy((), 8))
    assert engine.prefill(engine.embed(PROMPT)).num_reused == len(PROMPT) - 1
    assert list(engine.decode_greedy((), 8)) == first


def test_an_answer_that_becomes_history_is_reused(model: SmolLM) -> None:
    engine = make_engine(model)
    engine.prefill(engine.embed(PROMPT))
    answer = list(engine.decode_greedy((), 6))
    grown = [*PROMPT, *answer, 11, 12]
    assert engine.prefill(engine.embed(grown)).num_reused >= len(PROMPT) + len(answer) - 1
    assert list(engine.decode_greedy((), 6)) == decode_by_full_passes(model, grown, 6)


def test_append_continues_the_sequence(model: SmolLM) -> None:
    engine = make_engine(model)
    engine.prefill(engine.embed(PROMPT[:5]))
    assert engine.append(engine.embed(PROMPT[5:]))
    assert list(engine.decode_greedy((), 10)) == decode_by_full_passes(model, PROMPT, 10)


def test_trainable_or_inference_embeddings_leave_no_trace(model: SmolLM) -> None:
    engine = make_engine(model)
    engine.prefill(engine.embed(PROMPT).requires_grad_())
    assert list(engine.decode_greedy((), 3)) == decode_by_full_passes(model, PROMPT, 3)
    with torch.inference_mode():
        embeddings = engine.embed(PROMPT)
    assert engine.prefill(embeddings).num_reused == len(PROMPT) - 1


def test_decoding_ends_before_the_stop_id(model: SmolLM) -> None:
    expected = decode_by_full_passes(model, PROMPT, 20)
    stop_id = expected[6]
    engine = make_engine(model)
    engine.prefill(engine.embed(PROMPT))
    assert list(engine.decode_greedy({stop_id}, 20)) == expected[: expected.index(stop_id)]


def test_decoding_ends_when_the_cache_is_full(model: SmolLM) -> None:
    engine = make_engine(model, max_tokens=len(PROMPT) + 3)
    engine.prefill(engine.embed(PROMPT))
    assert list(engine.decode_greedy((), 50)) == decode_by_full_passes(model, PROMPT, 4)


def test_a_cancel_ends_decoding_and_the_engine_goes_on(model: SmolLM) -> None:
    engine = make_engine(model)
    engine.prefill(engine.embed(PROMPT))
    assert len(list(engine.decode_greedy((), 50, after(3)))) == 3
    engine.prefill(engine.embed(PROMPT))
    assert list(engine.decode_greedy((), 5)) == decode_by_full_passes(model, PROMPT, 5)


def test_a_cancelled_prefill_says_so_and_keeps_what_was_done(model: SmolLM) -> None:
    engine = make_engine(model, chunk_tokens=4)
    assert engine.prefill(engine.embed(PROMPT), after(2)).was_cancelled
    assert engine.num_tokens == 8
    with pytest.raises(DecodingError, match="prefill"):
        next(engine.decode_greedy((), 1))
    assert engine.prefill(engine.embed(PROMPT)).num_reused == 8
    assert list(engine.decode_greedy((), 5)) == decode_by_full_passes(model, PROMPT, 5)


def test_a_prompt_that_leaves_no_room_is_refused_and_nothing_is_lost(model: SmolLM) -> None:
    engine = make_engine(model, max_tokens=len(PROMPT))
    engine.prefill(engine.embed(PROMPT[:4]))
    with pytest.raises(PromptTooLongError) as caught:
        engine.prefill(engine.embed(PROMPT))
    assert (caught.value.num_tokens, caught.value.max_tokens) == (12, 11)
    assert list(engine.decode_greedy((), 3)) == decode_by_full_passes(model, PROMPT[:4], 3)
    with pytest.raises(PromptTooLongError):
        engine.append(engine.embed(PROMPT))


def test_embeddings_of_a_wrong_shape_are_named(model: SmolLM) -> None:
    with pytest.raises(ValueError, match=r"D=24\], got \(5, 23\)"):
        make_engine(model).prefill(torch.zeros(5, 23))


def test_reset_and_warm_up_leave_an_empty_engine(model: SmolLM) -> None:
    engine = make_engine(model)
    engine.warm_up()
    assert engine.num_tokens == 0
    with pytest.raises(DecodingError, match="prefill"):
        next(engine.decode_greedy((), 1))


def test_more_tokens_than_positions_are_refused(model: SmolLM) -> None:
    with pytest.raises(ValueError, match="max_tokens must be <= 128, got 129"):
        make_engine(model, max_tokens=129)


@pytest.mark.parametrize("field", ["max_tokens", "chunk_tokens"])
def test_config_refuses_nonsense(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        EngineConfig(**{field: 0})
