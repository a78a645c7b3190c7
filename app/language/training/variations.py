"""Other words for the same question: a template with some of its common words exchanged, and something said around it.

In: a template, a random generator. Out: a template of the same meaning. Used in training only: the model should hold on
to what a question asks, not to how one sentence was written. The same state of the generator gives the same text.
"""

import random
import re

__all__ = ["vary"]

# Words that may stand for each other wherever one of them stands.
_ALIKE = (
    ("right now", "at the moment", "just now", "at present", "at this moment", "this very moment", "presently"),
    (
        "in view",
        "in sight",
        "on screen",
        "in the picture",
        "in shot",
        "in frame",
        "on camera",
        "on view",
        "in the image",
    ),
    ("the video", "the stream", "the footage", "the clip", "the recording", "the film", "the feed"),
    ("the picture", "the image", "the scene", "the frame", "the view", "the shot"),
    ("so far", "until now", "up to now", "to date", "thus far", "up till now", "as yet"),
    ("tell me", "let me know", "say", "report"),
    ("at any point", "at any time", "at some point", "at any stage", "at any moment"),
    ("can you see", "do you see", "can you make out", "do you notice", "can you spot"),
    ("have you seen", "have you spotted", "have you noticed", "have you come across", "have you observed"),
    ("did you see", "did you spot", "did you notice", "did you observe", "did you catch sight of"),
    ("show up", "turn up", "appear", "come up", "pop up"),
    ("showed up", "turned up", "appeared", "came up", "popped up", "came into view", "came along"),
    ("whether", "if"),
    ("how many times", "how often", "on how many occasions"),
    ("visible", "in view", "to be seen", "in sight"),
)
_GROUP_OF = {phrase: group for group in _ALIKE for phrase in group}
_PHRASE = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, _GROUP_OF), key=len, reverse=True)) + r")\b")
_BEFORE = (
    "So, ", "Okay, ", "Ok ", "Hey, ", "Right, ", "Well, ", "Now then, ", "Please, ", "Sorry, ", "Excuse me, ",
    "One more thing: ", "Another question: ", "Quick question: ", "Just checking: ", "Out of interest, ", "Hello, ",
    "For my notes: ", "If you don't mind, ", "Do me a favour: ", "Just so I know, ", "I was wondering: ", "Remind me: ",
    "I've just come back. ", "I can't look myself. ", "I wasn't watching. ", "I missed it. ", "And ", "But ", "Hm, ",
)  # fmt: skip
_AFTER = (
    " please", ", please", " thanks", ", thank you", ", do you know", ", would you know", ", can you say",
    " by the way", ", or don't you know", " for me", ", if I may ask", ", I wonder",
)  # fmt: skip
_EXCHANGE_RATE, _BEFORE_RATE, _AFTER_RATE = 0.4, 0.12, 0.06


def vary(template: str, rng: random.Random) -> str:
    """A template that asks the same, in other words at times."""
    text = _PHRASE.sub(lambda found: _exchanged(found[0], rng), template)
    if rng.random() < _AFTER_RATE and text.endswith(("?", ".")):
        text = text[:-1] + rng.choice(_AFTER) + text[-1]
    if rng.random() < _BEFORE_RATE:
        before = rng.choice(_BEFORE)
        text = before + (text if before.endswith(". ") else _in_mid_sentence(text))
    return text


def _exchanged(phrase: str, rng: random.Random) -> str:
    return rng.choice(_GROUP_OF[phrase]) if rng.random() < _EXCHANGE_RATE else phrase


def _in_mid_sentence(text: str) -> str:
    first, _, _ = text.partition(" ")
    return text if first in ("I", "I'm", "I've", "I'd", "I'll") else text[:1].lower() + text[1:]
