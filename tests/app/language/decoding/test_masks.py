"""Packed samples: each question sees the prefix and itself, at the positions it would have alone."""

import torch

from app.language.decoding import packed_mask, packed_positions
from tests.fakes import tiny_language_model

SEGMENTS = torch.tensor([[0, 0, 0, 1, 1, 2, 2, 2, -1], [0, 0, 1, 1, 1, 1, 2, -1, -1]])


def test_positions_count_on_from_the_prefix() -> None:
    assert packed_positions(SEGMENTS).tolist() == [[0, 1, 2, 3, 4, 3, 4, 5, 0], [0, 1, 2, 3, 4, 5, 2, 0, 0]]


def test_no_row_of_the_mask_is_empty_and_none_looks_ahead() -> None:
    mask = packed_mask(SEGMENTS)
    assert mask.shape == (2, 1, 9, 9)
    assert mask.any(dim=-1).all()
    assert not mask.triu(1).any()


def test_a_packed_pass_equals_separate_passes() -> None:
    model = tiny_language_model()
    embeddings = torch.randn(2, 9, 24, generator=torch.Generator().manual_seed(2))
    packed = model(embeddings, packed_positions(SEGMENTS), packed_mask(SEGMENTS))
    for row in range(2):
        for question in (1, 2):
            index = ((SEGMENTS[row] == 0) | (SEGMENTS[row] == question)).nonzero().flatten()
            alone = model(embeddings[row, index][None], torch.arange(len(index))[None])
            torch.testing.assert_close(packed[row, index], alone[0], atol=1e-5, rtol=1e-5)
