"""The embedded LMM: SmolLM2-135M with a connector and LoRA, answering from the memory read as concept sequences.

In: a question and a snapshot. Out: pieces of text, then a `Reply` whose evidence is what the retrieval brought back.
The answer thread alone loads, calls and closes it. Runs on a CPU; no model hub.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from app.errors import AnswerError, WeightsMissingError
from app.language.decoding import DecodingError, Engine, EngineConfig, FusedDecoder, PromptTooLongError
from app.language.embedded.connector import CONNECTOR_KEY
from app.language.embedded.evidence import evidence_for
from app.language.embedded.grounding import GrammarMaker
from app.language.embedded.lexicon import Lexicon
from app.language.embedded.prompt import STOP_ID, PromptWriter, SoftVocabulary
from app.language.embedded.reading import read_snapshot
from app.language.embedded.recall import recall
from app.language.embedded.tokenizer import StreamingDecoder, TextTokenizer
from app.language.embedded.weights import dequantise_state, load_smollm, merge_lora
from app.language.lmm import Question, Reply
from memory import Snapshot
from vision.encoders import Concept, GridLayout

__all__ = ["ADAPTER_PATH", "EmbeddedLMM", "load_embedded"]

ADAPTER_PATH = Path(__file__).parents[3] / "assets" / "models" / "embedded_lmm.safetensors"
MAX_ANSWER_TOKENS = 96

log = logging.getLogger(__name__)


class EmbeddedLMM:
    """Answers from snapshots of semantic grids. Implements `app.language.lmm.LMM`."""

    name = "Afterglow embedded (SmolLM2-135M)"

    def __init__(self, engine: Engine, soft: torch.Tensor, tokenizer: TextTokenizer, concepts: Sequence[Concept]):
        """soft: float32 [soft tokens, D], the connector's table."""
        vocabulary = SoftVocabulary(tokenizer.vocab_size, len(concepts))
        if soft.shape[0] != vocabulary.size:
            raise WeightsMissingError(
                f"The weights of the embedded model know {soft.shape[0]} soft tokens, this version has "
                f"{vocabulary.size}: they belong to another version; check out the repository again."
            )
        self._engine, self._soft, self._tokenizer, self._concepts = engine, soft, tokenizer, concepts
        self._layout = GridLayout(num_concepts=len(concepts))
        self._lexicon = Lexicon(concepts, tokenizer.is_plain_word)
        self._writer = PromptWriter(concepts, vocabulary, tokenizer.encode)
        self._grammars = GrammarMaker(concepts, tokenizer.encode)

    def stream(self, question: Question, snapshot: Snapshot, is_cancelled: Callable[[], bool]) -> Iterator[str | Reply]:
        """Pieces of the answer as they are decoded, then the `Reply`; nothing when cancelled before the first token."""
        reading = read_snapshot(snapshot, self._layout)
        recalled = recall(question.text, question.history, reading, self._lexicon, self._concepts)
        ids = [
            *self._writer.memory(reading),
            *self._writer.question(question.text, question.history, recalled, reading),
        ]
        try:
            if self._engine.prefill(self._embed(ids), is_cancelled).was_cancelled:
                return
        except PromptTooLongError as error:
            raise AnswerError(
                "The question is too long for the language model; please ask it in fewer words."
            ) from error
        except DecodingError as error:
            raise AnswerError(f"The language model could not answer: {error}") from error
        text, num_tokens = "", 0
        decoder = StreamingDecoder(self._tokenizer)
        grammar = self._grammars.make(question.text, reading, recalled)
        for token_id in self._engine.decode_greedy((STOP_ID,), MAX_ANSWER_TOKENS, is_cancelled, grammar):
            num_tokens += 1
            piece = decoder.push(token_id)
            piece = piece if text else piece.lstrip()
            if piece:
                text += piece
                yield piece
        rest = decoder.finish()
        if rest:
            text += rest
            yield rest
        evidence = evidence_for(grammar.families.get(text.strip()), recalled, reading)
        yield Reply(text=text, evidence=evidence, num_prompt_tokens=len(ids), num_tokens=num_tokens)

    def forget(self) -> None:
        """Nothing of earlier prompts is used again."""
        self._engine.reset()

    def close(self) -> None:
        """Forget the KV cache; the weights go with the object."""
        self._engine.reset()

    def _embed(self, ids: list[int]) -> torch.Tensor:
        """Ids of the joint space -> float32 [T, D]."""
        num_text = self._tokenizer.vocab_size
        embeddings = self._engine.embed([min(token_id, num_text - 1) for token_id in ids])
        where = [index for index, token_id in enumerate(ids) if token_id >= num_text]
        if where:
            embeddings[where] = self._soft[[ids[index] - num_text for index in where]].to(embeddings)
        return embeddings


def load_embedded(smollm2: Path, tokenizer: Path, adapter: Path = ADAPTER_PATH) -> EmbeddedLMM:
    """Load base and adapter, merge them, arrange the weights for speed. Raises WeightsMissingError with what to do."""
    from vision.encoders import CONCEPTS

    for path in (smollm2, tokenizer, adapter):
        if not path.is_file():
            raise WeightsMissingError(
                f"The embedded model's file {path.name} is missing: run `python3 launch.py` once, with a network."
            )
    state = dequantise_state(load_file(adapter))
    soft = state.pop(CONNECTOR_KEY)
    model = load_smollm(smollm2, dtype=torch.float32)
    merge_lora(model, state)
    decoder = FusedDecoder(model.config, model.state_dict())
    log.info("embedded LMM ready: %d soft tokens, %s", len(soft), decoder.precision)
    engine = Engine(decoder, EngineConfig())
    engine.warm_up()
    return EmbeddedLMM(engine, soft, TextTokenizer(tokenizer), CONCEPTS)
