"""The connector: soft tokens that let the language model read concepts, counts, regions and markers beside its words.

In: token ids of the joint id space of prompt.py. Out: embeddings [B, T, D] for the language model. Each soft token
starts as the mean embedding of its words and is trained from there, so that an unseen combination still means
something. Used by the thread that owns the model.
"""

from collections.abc import Sequence

import torch
from torch import nn

__all__ = ["CONNECTOR_KEY", "Connector"]

CONNECTOR_KEY = "connector.soft"  # the name of the soft tokens in an adapter file, beside its LoRA


class Connector(nn.Module):
    """Embeds ids of the joint space: text ids through the frozen table, soft ids through the trained one."""

    def __init__(self, num_soft_tokens: int, width: int):
        super().__init__()
        self.soft = nn.Parameter(torch.zeros(num_soft_tokens, width))

    @torch.no_grad()
    def init_from_words(self, text_table: torch.Tensor, word_ids: Sequence[Sequence[int]]) -> None:
        """Set each soft token to the mean embedding of its words.

        text_table: [V, D]; word_ids: one list of text ids for each soft token.
        """
        if len(word_ids) != len(self.soft):
            raise ValueError(f"expected {len(self.soft)} lists of word ids, got {len(word_ids)}")
        for index, ids in enumerate(word_ids):
            self.soft[index] = text_table[torch.tensor(list(ids))].float().mean(dim=0).to(self.soft.device)

    def forward(self, ids: torch.Tensor, text_table: torch.Tensor) -> torch.Tensor:
        """ids: int64 [B, T] of the joint space; text_table: [V, D]. Returns [B, T, D] in the text table's dtype."""
        num_text = text_table.shape[0]
        is_soft = ids >= num_text
        text = nn.functional.embedding(ids.clamp(max=num_text - 1), text_table)  # [B, T] -> [B, T, D]
        soft = nn.functional.embedding((ids - num_text).clamp(min=0), self.soft)
        return torch.where(is_soft[..., None], soft.to(text.dtype), text)
