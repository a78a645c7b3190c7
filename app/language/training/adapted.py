"""The model in training: frozen SmolLM2 with LoRA, the connector in front of it, and the two ways to compute its loss.

In: converted base weights, batches of token ids. Out: losses, and the adapter (LoRA and connector) as a safetensors
file. Used by the training process's one thread.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.language.decoding import packed_mask
from app.language.embedded.connector import CONNECTOR_KEY, Connector
from app.language.embedded.conversion import TOKENIZER_NAME, WEIGHTS_NAME
from app.language.embedded.prompt import SoftVocabulary, soft_token_texts
from app.language.embedded.smollm import SmolLM
from app.language.embedded.tokenizer import TextTokenizer
from app.language.embedded.weights import add_lora, dequantise_state, load_lora, load_smollm, lora_state
from app.language.training.packing import IGNORED
from app.language.training.shared_prefix import PrefixCache, groups_by_length, pad_pairs
from vision.encoders import CONCEPTS

__all__ = ["ADAPTER_NAME", "AdaptedLMM", "build", "save_adapter"]

ADAPTER_NAME = "adapter.safetensors"


class AdaptedLMM(nn.Module):
    """Frozen SmolLM2 with LoRA, and the connector in front of it.

    `noise`: half the width of the uniform noise that is added, in training, to each number of the embeddings of the
    questions, so that other words for the same thing come as less of a surprise (Jain et al. 2023, NEFTune, section 3).
    """

    def __init__(self, lmm: SmolLM, connector: Connector, noise: float = 0.0):
        super().__init__()
        self.lmm, self.connector, self.noise = lmm, connector, noise

    def embed(self, ids: Tensor) -> Tensor:
        """ids: int64 [B, T] of the joint id space -> [B, T, D]."""
        embedded: Tensor = self.connector(ids, self.lmm.embed_tokens.weight)
        return embedded

    def blurred(self, embedded: Tensor) -> Tensor:
        """embedded: [..., D], with the noise of training added; unchanged in evaluation."""
        if not self.training or self.noise == 0:
            return embedded
        return embedded + torch.empty_like(embedded).uniform_(-self.noise, self.noise)

    def forward(self, ids: Tensor, positions: Tensor, segments: Tensor) -> Tensor:
        """Packed rows. ids, positions, segments: int64 [B, L]. Returns hidden states [B, L, D]."""
        embedded = self.embed(ids)
        embedded = torch.where((segments > 0)[..., None], self.blurred(embedded), embedded)
        hidden: Tensor = self.lmm(embedded, positions, packed_mask(segments))
        return hidden

    def loss(self, hidden: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy over the answers. hidden: [B, L, D]; labels: int64 [B, L], IGNORED outside the answers."""
        chosen = labels != IGNORED
        return nn.functional.cross_entropy(self.lmm.logits(hidden[chosen]).float(), labels[chosen])

    def shared_loss(self, memory_ids: Sequence[int], pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Tensor:
        """The loss of (question ids, answer ids) pairs about one memory, which runs through the model once.

        Questions of like length run together.
        """
        cache, num = PrefixCache(), len(memory_ids)
        device = self.connector.soft.device
        ids = torch.tensor([list(memory_ids)], device=device)
        self.lmm(self.embed(ids), torch.arange(num, device=device)[None], None, cache)
        cache.close_prefix()
        total, num_labels = torch.zeros((), device=device), 0
        for group in groups_by_length(pairs):
            ids, labels = (tensor.to(device) for tensor in pad_pairs(group))
            positions = (num + torch.arange(ids.shape[1], device=device))[None].expand_as(ids)
            hidden = self.lmm(self.blurred(self.embed(ids)), positions, None, cache)
            count = int((labels != IGNORED).sum())
            total, num_labels = total + count * self.loss(hidden, labels), num_labels + count
        return total / num_labels


def build(
    base: Path,
    device: str,
    rank: int,
    seed: int,
    resume: Path | None = None,
    *,
    dropout: float = 0.0,
    noise: float = 0.0,
) -> AdaptedLMM:
    """The model at the start of a run: fresh LoRA and word-initialised connector, or those of `resume`.

    resume: the folder of an earlier run, or a file, as trained or as shipped.
    """
    torch.manual_seed(seed)
    tokenizer = TextTokenizer(base / TOKENIZER_NAME)
    lmm = load_smollm(base / WEIGHTS_NAME, device, torch.bfloat16)
    table = lmm.embed_tokens.weight
    connector = Connector(SoftVocabulary(tokenizer.vocab_size, len(CONCEPTS)).size, table.shape[1]).to(device)
    connector.init_from_words(table, [tokenizer.encode(" " + text) for text in soft_token_texts(CONCEPTS)])
    add_lora(lmm, rank=rank, alpha=2.0 * rank, dropout=dropout)
    if resume is not None:
        state = dequantise_state(load_file(resume / ADAPTER_NAME if resume.is_dir() else resume))
        load_lora(lmm, state)
        connector.load_state_dict({"soft": state[CONNECTOR_KEY].float()})
    return AdaptedLMM(lmm, connector, noise)


def save_adapter(model: AdaptedLMM, out: Path) -> None:
    """Write LoRA (its scale inside `lora_b`) and connector in fp16; a run can go on from the file with `--resume`."""
    out.mkdir(parents=True, exist_ok=True)
    state = lora_state(model.lmm) | {CONNECTOR_KEY: model.connector.soft.detach().float().cpu()}
    half_done = out / (ADAPTER_NAME + ".part")
    save_file({name: tensor.half().contiguous() for name, tensor in state.items()}, half_done)
    half_done.replace(out / ADAPTER_NAME)
