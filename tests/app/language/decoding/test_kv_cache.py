"""The static cache: written in place, valid after commit, rolled back by length."""

import pytest
import torch

from app.language.decoding import PromptTooLongError, StaticKVCache


def make_cache(max_tokens: int = 8) -> StaticKVCache:
    return StaticKVCache(num_layers=2, num_kv_heads=1, head_dim=4, max_tokens=max_tokens)


def rows(value: float, count: int) -> torch.Tensor:
    return torch.full((1, 1, count, 4), value)


def test_rows_that_were_not_committed_are_overwritten() -> None:
    cache = make_cache()
    cache.update(0, rows(1, 3), rows(1, 3))
    keys, values = cache.update(0, rows(2, 2), rows(3, 2))
    assert keys.shape == (1, 1, 2, 4)
    assert keys.unique().tolist() == [2] and values.unique().tolist() == [3]


def test_committed_rows_stay_in_front_of_new_ones() -> None:
    cache = make_cache()
    cache.update(1, rows(1, 3), rows(1, 3))
    cache.commit(3)
    keys, _ = cache.update(1, rows(2, 1), rows(2, 1))
    assert keys[0, 0, :, 0].tolist() == [1, 1, 1, 2]


def test_truncate_forgets_the_newest_and_allocates_nothing() -> None:
    cache = make_cache()
    cache.update(0, rows(1, 3), rows(1, 3))
    cache.commit(3)
    cache.truncate(1)
    keys, _ = cache.update(0, rows(5, 1), rows(5, 1))
    assert keys[0, 0, :, 0].tolist() == [1, 5]
    assert cache.num_bytes == 2 * 2 * 8 * 4 * 4


def test_a_cache_cannot_be_truncated_to_more_than_it_holds() -> None:
    with pytest.raises(ValueError, match="between 0 and 0, got 1"):
        make_cache().truncate(1)


def test_overflow_names_both_sizes() -> None:
    with pytest.raises(PromptTooLongError, match="9 tokens, there is room for 8"):
        make_cache().update(0, rows(1, 9), rows(1, 9))
