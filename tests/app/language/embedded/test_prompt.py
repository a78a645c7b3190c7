"""The prompt: what stands in it, and that it stays small."""

import pytest

from app.language.embedded.lexicon import Lexicon
from app.language.embedded.prompt import MARKERS, PromptWriter, SoftVocabulary, soft_token_texts
from app.language.embedded.reading import Reading, read_snapshot
from app.language.embedded.recall import recall
from tests.app.language.embedded.letters import decode, encode
from tests.app.language.embedded.streams import LAYOUT, Placed, snapshot_of, walk
from vision.encoders import CONCEPTS

NUM_TEXT = 2000
SOFT = SoftVocabulary(NUM_TEXT, len(CONCEPTS))
TEXTS = soft_token_texts(CONCEPTS)
LEXICON = Lexicon(CONCEPTS, lambda word: False)
WRITER = PromptWriter(CONCEPTS, SOFT, encode)
READING = read_snapshot(walk(), LAYOUT)


def shown(ids: list[int]) -> str:
    """Text as it is, soft tokens as their words in brackets."""
    return "".join(f"[{TEXTS[one - NUM_TEXT]}]" if one >= NUM_TEXT else decode([one]) for one in ids)


def question(text: str, history: tuple[tuple[str, str], ...] = (), reading: Reading = READING) -> str:
    return shown(WRITER.question(text, history, recall(text, history, reading, LEXICON, CONCEPTS), reading))


def of(frames: list[tuple[float, list[Placed]]]) -> Reading:
    return read_snapshot(snapshot_of(frames), LAYOUT)


def test_soft_tokens_have_one_id_each() -> None:
    ids = [SOFT.name(0), SOFT.name(len(CONCEPTS) - 1), SOFT.count(0), SOFT.count(99), SOFT.region(0)]
    ids += [SOFT.marker(name) for name in MARKERS]
    assert len(set(ids)) == len(ids) and max(ids) == NUM_TEXT + SOFT.size - 1 and len(TEXTS) == SOFT.size


def test_the_memory_part_shows_slots_records_and_the_present() -> None:
    text = shown(WRITER.memory(READING))
    assert "[seen so far] 3" in text
    assert "[dog][two] 0:05" in text
    assert text.endswith("[now] 0:19[person][one][left][car][one][top]")


def test_a_question_shows_what_it_recalled_before_its_words() -> None:
    text = question("Did you see a dog?")
    assert "[question about][dog] dog, dogs[gone][bottom right][first] 0:05-0:09" in text
    assert text.endswith("\nQuestion: Did you see a dog?\nAnswer:")


def test_what_was_never_seen_is_shown_as_never_seen() -> None:
    assert "[question about][elephant] elephant, elephants[never seen]" in question("Is there an elephant?")


@pytest.mark.parametrize(("num_missed", "is_whole"), [(0, True), (9, True), (20, False)])
def test_what_was_missed_for_a_short_part_was_there_the_whole_time(num_missed: int, is_whole: bool) -> None:
    missed = range(40, 40 + num_missed)
    frames = [(0.5 * i, [] if i in missed else [("person", 0.1, 0.5)]) for i in range(120)]
    assert ("[whole time]" in question("Was a person there all the time?", (), of(frames))) == is_whole


def test_what_came_late_was_not_there_the_whole_time() -> None:
    frames = [(0.5 * i, [("person", 0.1, 0.5)] if i > 6 else []) for i in range(120)]
    assert "[whole time]" not in question("Was a person there all the time?", (), of(frames))


def test_only_the_newest_earlier_turn_is_shown() -> None:
    text = question("and now?", (("first?", "one."), ("Did you see a dog?", "Yes.")))
    assert "first?" not in text and "Question: Did you see a dog?\nAnswer: Yes." in text


def test_hours_of_busy_stream_still_fit_a_small_prompt() -> None:
    names = [concept.name for concept in CONCEPTS]
    frames = [
        (30.0 * i, [(names[(7 * i + j) % len(names)], 0.1 + 0.08 * j, 0.5) for j in range(10)]) for i in range(300)
    ]
    reading = read_snapshot(snapshot_of(frames), LAYOUT)
    soft_only = [token_id for token_id in WRITER.memory(reading) if token_id >= NUM_TEXT]
    assert len(soft_only) <= 8 * 10 + 1 + 10 * 2 + 1 + 8 * 3
