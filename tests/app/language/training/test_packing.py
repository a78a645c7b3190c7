"""Packed rows, shared prefixes and the two losses that must agree."""

import numpy as np
import pytest
import torch

from app.language.decoding import packed_mask
from app.language.embedded.connector import Connector
from app.language.embedded.smollm import SmolLM, SmolLMConfig
from app.language.training.adapted import AdaptedLMM
from app.language.training.packing import IGNORED, pack
from app.language.training.shared_prefix import pad_pairs

MEMORY = [5, 6, 7, 8]
PAIRS = [([9, 10], [11, 2]), ([12, 13, 45], [14, 15, 2]), ([16], [2])]


def tiny() -> AdaptedLMM:
    torch.manual_seed(0)
    config = SmolLMConfig(
        vocab_size=40, width=32, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8, hidden_width=48
    )
    connector = Connector(8, 32)
    torch.nn.init.normal_(connector.soft)
    return AdaptedLMM(SmolLM(config), connector)


def test_labels_stand_before_the_tokens_they_ask_for() -> None:
    row, packed = pack(MEMORY, PAIRS, 20)
    assert packed == 3
    learnt = np.flatnonzero(row.labels != IGNORED)
    assert row.labels[learnt].tolist() == row.ids[learnt + 1].tolist() == [11, 2, 14, 15, 2, 2]


def test_questions_count_on_from_the_end_of_the_memory() -> None:
    row, _ = pack(MEMORY, PAIRS, 20)
    starts = [int(row.positions[np.flatnonzero(row.segments == number)[0]]) for number in (1, 2, 3)]
    assert starts == [4, 4, 4]


def test_what_does_not_fit_is_left_for_the_next_row() -> None:
    _, packed = pack(MEMORY, PAIRS, 10)
    assert packed == 1
    with pytest.raises(ValueError, match="memory alone"):
        pack(MEMORY, PAIRS, 4)


def test_packed_and_shared_prefix_losses_agree() -> None:
    model = tiny()
    row, _ = pack(MEMORY, PAIRS, 24)
    ids, labels, positions, segments = (
        torch.from_numpy(field)[None] for field in (row.ids, row.labels, row.positions, row.segments)
    )
    packed = model.loss(model(ids, positions, segments), labels)
    assert packed_mask(segments).shape == (1, 1, 24, 24)
    torch.testing.assert_close(model.shared_loss(MEMORY, PAIRS), packed, atol=1e-5, rtol=1e-5)


def test_one_question_does_not_see_another() -> None:
    model = tiny()
    alone = model.shared_loss(MEMORY, PAIRS[:1])
    changed = [PAIRS[0], ([20, 21, 22], [23, 2])]
    ids, labels = pad_pairs(changed)
    assert ids.shape[0] == 2 and int((labels[0] != IGNORED).sum()) == 2
    row, _ = pack(MEMORY, changed, 24)
    ids_row, positions, segments = (torch.from_numpy(field)[None] for field in (row.ids, row.positions, row.segments))
    only_first = torch.from_numpy(np.where(row.segments == 1, row.labels, IGNORED))[None]
    torch.testing.assert_close(model.loss(model(ids_row, positions, segments), only_first), alone, atol=1e-5, rtol=1e-5)


def test_gradients_reach_the_connector() -> None:
    model = tiny()
    model.shared_loss([5, 41, 6, 7], PAIRS).backward()
    gradient = model.connector.soft.grad
    assert gradient is not None and gradient[1].abs().sum() > 0 and gradient[0].abs().sum() == 0


def test_soft_tokens_start_as_the_mean_of_their_words() -> None:
    connector, table = Connector(2, 3), torch.arange(12.0).reshape(4, 3)
    connector.init_from_words(table, [[0, 2], [3]])
    assert connector.soft.tolist() == [[3.0, 4.0, 5.0], [9.0, 10.0, 11.0]]
    embedded = connector(torch.tensor([[1, 4, 5]]), table)
    assert embedded.tolist() == [[[3.0, 4.0, 5.0], [3.0, 4.0, 5.0], [9.0, 10.0, 11.0]]]


def test_noise_blurs_the_questions_in_training_and_nothing_else() -> None:
    model = tiny()
    row, _ = pack(MEMORY, PAIRS, 24)
    ids, positions, segments = (torch.from_numpy(field)[None] for field in (row.ids, row.positions, row.segments))
    clear = model.eval()(ids, positions, segments)
    model.noise = 0.05
    torch.testing.assert_close(model(ids, positions, segments), clear)
    blurred = model.train()(ids, positions, segments)
    is_memory = segments[0] == 0
    torch.testing.assert_close(blurred[0][is_memory], clear[0][is_memory])
    assert not torch.allclose(blurred[0][segments[0] > 0], clear[0][segments[0] > 0], atol=1e-3)
