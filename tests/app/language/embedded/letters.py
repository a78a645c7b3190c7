"""A tokenizer for tests: one token a character, none of the control ids."""

_FIRST = 10


def encode(text: str) -> list[int]:
    return [_FIRST + ord(letter) for letter in text]


def decode(ids: list[int]) -> str:
    return "".join(chr(token_id - _FIRST) for token_id in ids if token_id >= _FIRST)
