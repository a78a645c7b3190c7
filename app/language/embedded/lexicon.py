"""Which concepts and which kinds of things a question names: exact words, plurals, synonyms and typing slips.

In: a question's text. Out: indices into the concept vocabulary, in the order of the text. Pure; built once per process.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.language.embedded.spelling import corrected, is_slip
from vision.encoders import Concept

__all__ = ["KIND_WORDS", "Lexicon", "Mentions", "plural_of", "split_words"]

KIND_WORDS = {
    "animal": ("animal", "creature", "pet", "beast", "wildlife"),
    "vehicle": ("vehicle", "traffic", "transport"),
    "food": ("food", "fruit", "snack", "things to eat", "anything to eat", "something to eat"),
    "furniture": ("furniture", "pieces of furniture"),
    "electronics": ("electronics", "gadget", "electronic device", "electronic", "device"),
    "clothing": ("clothing", "clothes"),
    "tool": ("tool",),
    "instrument": ("musical instrument", "instrument"),
    "building": ("building", "structure"),
}
_SOMEONE = (
    "alone", "occupied", "anyone", "anybody", "someone", "somebody", "no one", "nobody", "everyone", "everybody",
    "a soul", "human", "visitor", "guest", "caller", "callers", "intruder", "stranger", "folk", "people",
    "person", "crowd", "company",
)  # fmt: skip
# Of these a person is meant only where nothing else is named: "is the dog alone?", "what keeps it company?".
_VAGUE = frozenset(("alone", "occupied", "company", "crowd"))
# Ways to speak of the picture and the watching itself, which name no object: "on camera", "the screen", "any sign of".
_IDIOMS = re.compile(
    r"\b(?:on|off|in front of|past|passed|facing) (?:the |your |my |this )?(?:camera|screen|cam)\b|\bscreen time\b"
    r"|\bon (?:the|your|my|this) (?:monitor|display|tv|telly)\b"
    r"|(?<!where is )(?<!where's )(?<!see )(?<!seen )(?<!near )(?<!beside )(?<!left of )(?<!right of )(?<!next to )"
    r"(?<!and )(?<!or )\b(?:the|your|my|this) camera\b(?! (?:is )?(?:and|or|both|prior to|to the (?:left|right))\b)"
    r"|(?<!where is )(?<!where's )\b(?:the|your|my|this) screen\b|\bpeak number\b|\bat the peak\b"
    r"|\bpick(?:s|ed|ing)? up\b(?! truck)"
    r"|\b(?:stream|video)(?:'s)? clock\b|\bsigns? of\b"
    r"|\bthe clock (?=show|sa|read|was at|hit|strikes|struck|stood|stands|on the (?:video|stream|clip|recording))"
    r"|\bclock time\b|\b(?:you|to|we|i|they) clock(?:ed)?\b"
    r"|\bwho (?:or|and) what\b|\bhead ?count\b|\bcrowds? of\b|\b(?:anyone|anybody|someone) (?:again|twice)\b"
    r"|\b(?:without|lost|forgot|forgotten|need|left|wear) my (?:reading )?glasses\b"
    r"|\bhas (?:anyone|anybody|someone|somebody) (?:removed|taken|moved)\b"
    r"|^\W*(?:mum|mom|dad|man|boy|guys|folks),|^\W*my (?:kids|children|friends|wife|husband)\b"
    r"|\bwatch(?:ed|ing)\b|\b(?:you|to|we|i|they) watch\b|\bwatch (?=for|the|this|so|out|until|since|from|time)"
)
# Plurals and synonyms that are plain words first.
_NEVER_THINGS = frozenset(("does", "peak", "sign", "can", "watched", "watching"))


@dataclass(frozen=True)
class Mentions:
    """Concept indices and kinds in the order of the text, without repeats."""

    concepts: tuple[int, ...]
    kinds: tuple[str, ...]


class Lexicon:
    """Finds the concepts of a vocabulary in free text."""

    def __init__(self, concepts: Sequence[Concept], is_plain_word: Callable[[str], bool]):
        """`is_plain_word` tells everyday words, which are never slips of the hand ("place" is not "palace")."""
        self._is_plain_word = is_plain_word
        self._phrases: dict[tuple[str, ...], int | str] = {}
        for kind, words in KIND_WORDS.items():
            for word in words:
                self._add(word, kind)
                self._add(plural_of(word), kind)
        for word in _SOMEONE:
            self._add(word, 0)
        for index, concept in enumerate(concepts):
            for synonym in concept.synonyms:
                self._add(plural_of(synonym), index)
                self._add(synonym, index)
            self._add(concept.plural, index)
            self._add(concept.name, index)
        self._longest = max(len(phrase) for phrase in self._phrases)
        self._words = frozenset(word for phrase in self._phrases for word in phrase)
        self._by_length: dict[int, list[tuple[str, ...]]] = {length: [] for length in range(1, self._longest + 1)}
        for phrase in self._phrases:
            self._by_length[len(phrase)].append(phrase)
        self._by_first: dict[str, list[str]] = {}
        for phrase in self._phrases:
            if len(phrase) == 1 and len(phrase[0]) >= 4:
                self._by_first.setdefault(phrase[0][0], []).append(phrase[0])

    def find(self, text: str) -> Mentions:
        """Concepts and kinds named in `text`; the longest phrase wins, a slip counts where it is unmistakable."""
        words = split_words(_IDIOMS.sub(" ", self.corrected(text).lower().replace("’", "'")))
        concepts: list[int] = []
        kinds: list[str] = []
        is_someone = "who" in words
        position = 0
        while position < len(words):
            length, found = self._match(words, position)
            if words[position] in _VAGUE:
                is_someone = True
            elif isinstance(found, int):
                concepts.append(found)
            elif found is not None:
                kinds.append(found)
            position += length
        if not concepts and not kinds and is_someone:
            concepts.append(0)
        return Mentions(tuple(dict.fromkeys(concepts)), tuple(dict.fromkeys(kinds)))

    def corrected(self, text: str) -> str:
        """`text` with the slips in its everyday words put right; names of things stay as they were typed."""
        return corrected(text, self._is_known)

    def _is_known(self, word: str) -> bool:
        return self._is_plain_word(word) or word in self._words

    def _add(self, phrase: str, target: int | str) -> None:
        self._phrases[tuple(split_words(phrase))] = target

    def _match(self, words: list[str], position: int) -> tuple[int, int | str | None]:
        for length in range(min(self._longest, len(words) - position), 0, -1):
            typed = words[position : position + length]
            found = self._phrases.get(tuple(typed))
            if found is not None and not (length == 1 and words[position] in _NEVER_THINGS):
                return length, found
            slipped = self._slipped(typed)
            if slipped is not None:
                return length, self._phrases[slipped]
        return 1, None

    def _slipped(self, typed: list[str]) -> tuple[str, ...] | None:
        """The name that was meant where some of the typed words are slips: "hrose", "parknig meter"."""
        if all(map(self._is_known, typed)):
            return None
        if len(typed) > 1:
            return next((p for p in self._by_length[len(typed)] if all(map(self._is_word_or_slip, typed, p))), None)
        word = typed[0]
        if len(word) < 4:
            return None
        return next(((known,) for known in self._by_first.get(word[0], ()) if is_slip(word, known)), None)

    def _is_word_or_slip(self, typed: str, known: str) -> bool:
        return typed == known or (len(typed) >= 3 and not self._is_known(typed) and is_slip(typed, known))


def split_words(text: str) -> list[str]:
    """Lower-case words of `text`; a possessive 's is dropped, hyphens separate."""
    return [word.removesuffix("'s").strip("'") for word in re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))]


def plural_of(phrase: str) -> str:
    """The regular English plural of a noun phrase."""
    if phrase.endswith(("s", "x", "ch", "sh")):
        return phrase + "es"
    if phrase.endswith("y") and len(phrase) > 1 and phrase[-2] not in "aeiou":
        return phrase[:-1] + "ies"
    if phrase.endswith("man"):
        return phrase[:-3] + "men"
    return phrase + "s"
