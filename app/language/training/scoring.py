"""How well the LMM answers about held-out simulated streams: exact match of the whole sentence, by family.

In: the model, an `ExampleMaker` with held-out phrasings. Out: a report: scores, counts, the first failures by family.
A greedy answer is right exactly when every token of the right answer is the model's first choice after the ones before
it: among those that the answer's grammar allows ("all", what the product does), or among all tokens ("free", what the
model does on its own). A question that the retrieval misreads counts as wrong.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from app.language.embedded.grounding import AnswerGrammar, GrammarMaker
from app.language.embedded.tokenizer import TextTokenizer
from app.language.training.adapted import AdaptedLMM
from app.language.training.packing import IGNORED, ExampleMaker
from app.language.training.questions import Sample
from app.language.training.shared_prefix import Pair, PrefixCache, pad_pairs
from vision.encoders import CONCEPTS

__all__ = ["FIRST_DEVELOPMENT_SEED", "FIRST_EVAL_SEED", "SAMPLES_PER_STREAM", "score"]

FIRST_EVAL_SEED = 2_000_000_000  # beyond every training seed
FIRST_DEVELOPMENT_SEED = 1_700_000_000  # likewise
SAMPLES_PER_STREAM = 24
_MAX_SHOWN = 3


def score(
    model: AdaptedLMM,
    examples: ExampleMaker,
    tokenizer: TextTokenizer,
    num_streams: int,
    first_seed: int = FIRST_EVAL_SEED,
) -> dict[str, Any]:
    """Exact match overall and by family on `num_streams` streams that no training seed reaches."""
    right: dict[str, list[bool]] = defaultdict(list)
    wrong: dict[str, list[dict[str, str]]] = defaultdict(list)
    misread: list[str] = []
    free: list[bool] = []
    grammars = GrammarMaker(CONCEPTS, tokenizer.encode)
    for stream in range(num_streams):
        reading, samples = examples.samples(first_seed + stream, SAMPLES_PER_STREAM)
        for sample in samples:
            if sample.is_misread:
                right[sample.family].append(False)
                misread.append(f"{sample.family}: {sample.question}")
        samples = [sample for sample in samples if not sample.is_misread]
        if not samples:
            continue
        write = examples.writer
        pairs = [(write.question(s.question, s.history, s.recalled, reading), write.answer(s.answer)) for s in samples]
        makers = [grammars.make(sample.question, reading, sample.recalled) for sample in samples]
        for sample, (_, answer), logits, grammar in zip(
            samples, pairs, _logits(model, write.memory(reading), pairs), makers, strict=True
        ):
            given = _first_choices(logits, answer, grammar)
            right[sample.family].append(given == answer)
            free.append(logits.argmax(dim=-1).tolist() == answer)
            if given != answer and len(wrong[sample.family]) < _MAX_SHOWN:
                wrong[sample.family].append(_shown(sample, tokenizer.decode(given)))
    hits = [hit for family in right.values() for hit in family]
    return {
        "all": round(100 * float(np.mean(hits)), 2),
        "free": round(100 * sum(free) / len(hits), 2),
        "samples": len(hits),
        "misread": len(misread),
        "families": {family: round(100 * float(np.mean(found)), 1) for family, found in sorted(right.items())},
        "counts": {family: len(found) for family, found in sorted(right.items())},
        "misread_examples": misread[:40],
        "wrong": wrong,
    }


def _shown(sample: Sample, given: str) -> dict[str, str]:
    return {"question": sample.question, "right": sample.answer, "given": given}


def _first_choices(logits: torch.Tensor, answer: list[int], grammar: AnswerGrammar) -> list[int]:
    """The likeliest allowed token at each place of the right answer; it ends where the grammar forbids the answer."""
    given = []
    for row, token_id in zip(logits, answer, strict=True):
        allowed = grammar.allowed()
        given.append(allowed[int(row[allowed].argmax())])
        if token_id not in allowed:
            break
        grammar.accept(token_id)
    return given


@torch.inference_mode()
def _logits(model: AdaptedLMM, memory_ids: list[int], pairs: Sequence[Pair]) -> list[torch.Tensor]:
    """For each pair the logits [answer length, V] at the places of its answer, float32 on the CPU."""
    device, num = model.connector.soft.device, len(memory_ids)
    cache = PrefixCache()
    with torch.autocast(device.type, torch.bfloat16):
        memory = model.embed(torch.tensor([memory_ids], device=device))
        model.lmm(memory, torch.arange(num, device=device)[None], None, cache)
        cache.close_prefix()
        ids, labels = (tensor.to(device) for tensor in pad_pairs(pairs))
        positions = (num + torch.arange(ids.shape[1], device=device))[None].expand_as(ids)
        hidden = model.lmm(model.embed(ids), positions, None, cache)
        logits = model.lmm.logits(hidden[labels != IGNORED]).float().cpu()
    return list(logits.split([len(answer) for _, answer in pairs]))
