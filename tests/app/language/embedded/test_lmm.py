"""The embedded LMM around a tiny random model: streaming, evidence, cancel, limits."""

from pathlib import Path

import pytest
import torch

from app.errors import AnswerError, WeightsMissingError
from app.language.decoding import Engine, EngineConfig, FusedDecoder
from app.language.embedded.lmm import EmbeddedLMM, load_embedded
from app.language.embedded.prompt import SoftVocabulary
from app.language.embedded.smollm import SmolLM, SmolLMConfig
from app.language.lmm import Question, Reply
from tests.app.language.embedded.letters import decode, encode
from tests.app.language.embedded.streams import walk
from vision.encoders import CONCEPTS

NUM_TEXT = 140


class LetterTokenizer:
    vocab_size = NUM_TEXT
    encode = staticmethod(encode)
    decode = staticmethod(decode)

    def is_plain_word(self, word: str) -> bool:
        return False


def tiny_lmm(max_tokens: int = 1536, num_soft: int = SoftVocabulary(NUM_TEXT, len(CONCEPTS)).size) -> EmbeddedLMM:
    torch.manual_seed(0)
    config = SmolLMConfig(
        vocab_size=NUM_TEXT, width=32, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8, hidden_width=48
    )
    decoder = FusedDecoder(config, SmolLM(config).state_dict(), "float32")
    engine = Engine(decoder, EngineConfig(max_tokens=max_tokens))
    return EmbeddedLMM(engine, torch.randn(num_soft, 32), LetterTokenizer(), CONCEPTS)  # type: ignore[arg-type]


def ask(lmm: EmbeddedLMM, text: str, steps: int = 10_000) -> list[str | Reply]:
    left = [steps]

    def is_cancelled() -> bool:
        left[0] -= 1
        return left[0] < 0

    return list(lmm.stream(Question(text=text, asked_at_s=19.0), walk(), is_cancelled))


def test_pieces_make_up_the_reply_and_the_evidence_is_the_memorys() -> None:
    *pieces, reply = ask(tiny_lmm(), "Did you see a dog?")
    assert isinstance(reply, Reply) and "".join(str(piece) for piece in pieces) == reply.text
    assert [(one.start_s, one.end_s) for one in reply.evidence] == [(5.0, 9.0)]
    assert reply.num_prompt_tokens > 50 and reply.num_tokens >= 1


def test_even_an_untrained_model_names_nothing_that_it_was_not_shown() -> None:
    *_, reply = ask(tiny_lmm(), "What do you see?")
    assert isinstance(reply, Reply)
    assert not {"elephant", "dragon", "zebra", "boat"} & set(reply.text.split())


def test_the_same_question_gets_the_same_answer() -> None:
    lmm = tiny_lmm()
    first, second = ask(lmm, "Where is the car?")[-1], ask(lmm, "Where is the car?")[-1]
    assert first == second


def test_a_cancelled_answer_ends_early_and_the_next_one_works() -> None:
    lmm = tiny_lmm()
    cut = ask(lmm, "What do you see?", steps=4)
    assert len(cut) < len(ask(lmm, "What do you see?"))
    assert ask(lmm, "What do you see?", steps=0) == []


def test_a_question_too_long_for_the_model_is_this_questions_error() -> None:
    lmm = tiny_lmm(max_tokens=700)
    with pytest.raises(AnswerError, match="fewer words"):
        ask(lmm, "dog " * 400)
    assert isinstance(ask(lmm, "Is there a dog?")[-1], Reply)


def test_missing_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match="launch.py"):
        load_embedded(tmp_path / "none.safetensors", tmp_path / "none.json")


def test_an_adapter_of_another_vocabulary_is_refused() -> None:
    with pytest.raises(WeightsMissingError, match="another version"):
        tiny_lmm(num_soft=3)
