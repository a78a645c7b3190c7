"""Text to token ids and back, without half characters while an answer streams.

In: text, or ids one at a time. Out: ids, or pieces of text. A `TextTokenizer` may be shared by threads (it is never
changed after loading); a `StreamingDecoder` belongs to the thread that decodes one answer.
"""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

__all__ = ["StreamingDecoder", "TextTokenizer"]

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MAX_HELD_TOKENS = 8  # a UTF-8 character has at most 4 bytes; more held tokens than this are really broken text


class TextTokenizer:
    """SmolLM2's byte-level BPE. Control tokens in a text (a question may hold "<|im_end|>") are read as plain text."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.encode_special_tokens = True
        self.vocab_size: int = self._tokenizer.get_vocab_size()
        self.start_id = self._control_id("<|im_start|>")
        self.end_id = self._control_id("<|im_end|>")
        self.end_of_text_id = self._control_id("<|endoftext|>")

    @property
    def stop_ids(self) -> frozenset[int]:
        """The ids that end an answer."""
        return frozenset((self.end_id, self.end_of_text_id))

    def encode(self, text: str) -> list[int]:
        """The ids of the text alone: nothing is put before or after."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids; control tokens give nothing."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def is_plain_word(self, word: str) -> bool:
        """True for everyday words: the vocabulary, made from how often letters stand together, has them whole."""
        return self._tokenizer.token_to_id("Ġ" + word) is not None

    def _control_id(self, token: str) -> int:
        token_id = self._tokenizer.token_to_id(token)
        if token_id is None:
            raise ValueError(f"the tokenizer has no control token {token!r}; convert it again")
        return token_id


class StreamingDecoder:
    """Ids in one at a time, text out; an unfinished character waits for its last byte."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._tokenizer = tokenizer
        self._held: list[int] = []

    def push(self, token_id: int) -> str:
        """The text that is now complete, possibly empty."""
        self._held.append(token_id)
        text = self._tokenizer.decode(self._held)
        if text.endswith(_REPLACEMENT) and len(self._held) <= _MAX_HELD_TOKENS:
            return ""
        self._held.clear()
        return text

    def finish(self) -> str:
        """What is still held, without the bytes that never became a character."""
        text = self._tokenizer.decode(self._held).rstrip(_REPLACEMENT)
        self._held.clear()
        return text
