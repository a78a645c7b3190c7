"""What a model is shown: order, tags, limits, and nothing from the future."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import EmptyPromptError, StreamMemory, assemble, needs_past, time_tag
from tests.memory.streams import P, make_config, random_frames, write_all


def filled(seed=0, num_frames=80):
    memory = write_all(StreamMemory(make_config()), random_frames(seed, num_frames))
    memory.note("user", "the blue key", 3.0, 4.0)
    memory.mark_gap("disconnected", 10.0, 30.0)
    return memory.snapshot()


def tier_rows(tier, rows):
    return dataclasses.replace(tier, **{part.name: getattr(tier, part.name)[rows] for part in dataclasses.fields(tier)})


def kinds(assembly):
    return {part.kind for part in assembly.parts}


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**31),
    num_frames=st.integers(1, 60),
    max_tokens=st.integers(20, 400),
    mode=st.sampled_from(["now", "recall", "auto"]),
)
def test_order_limit_positions_and_the_newest_last(seed, num_frames, max_tokens, mode):
    snapshot = filled(seed, num_frames)
    assembly = assemble(snapshot, "Was there a dog?", mode=mode, max_tokens=max_tokens)
    assert sum(part.cost for part in assembly.parts) <= max_tokens
    past = [part for part in assembly.parts if part.kind != "spatial"]
    newest = [part for part in assembly.parts if part.kind == "spatial"]
    assert list(assembly.parts) == [*past, *newest]
    for parts in (past, newest):
        assert [part.start_s for part in parts] == sorted(part.start_s for part in parts)
    assert newest[-1].frame_id == snapshot.spatial.frame_ids[-1]
    positions = [
        p for part in assembly.parts for p in range(part.first_position, part.first_position + part.num_tokens)
    ]
    assert positions == list(range(assembly.text_position))
    assert assembly.text_position <= max_tokens
    assert bool(past) <= (mode != "now")


def test_positions_stay_bounded_after_thirty_days():
    memory = StreamMemory(make_config())
    for tokens, key, time_s, frame_id in random_frames(2, 300):
        memory.write(tokens, key, time_s * 800, frame_id)
    assert memory.snapshot().t_now_s > 30 * 86_400
    assembly = assemble(memory.snapshot(), "What happened?", mode="recall", max_tokens=500)
    assert assembly.text_position <= 500


def test_nothing_that_reaches_past_the_asked_time_is_shown():
    snapshot = filled()
    until_s = float(snapshot.temporal.times_s[:, 1].median())
    assembly = assemble(snapshot, "What was it?", mode="recall", until_s=until_s)
    assert assembly.parts and all(part.end_s <= until_s for part in assembly.parts)
    assert "spatial" not in kinds(assembly)


def test_a_question_without_any_visual_token_is_refused():
    empty = StreamMemory(make_config()).snapshot()
    with pytest.raises(EmptyPromptError, match="no visual token is left"):
        assemble(empty, "What do you see?")
    with pytest.raises(EmptyPromptError, match="at most 3 tokens"):
        assemble(filled(), "What do you see?", max_tokens=3)
    with pytest.raises(EmptyPromptError, match="up to -1 s"):
        assemble(filled(), "What was it?", until_s=-1.0)
    only_text = StreamMemory(make_config())
    only_text.note("user", "a note is no picture", 0.0, 0.0)
    with pytest.raises(EmptyPromptError):
        assemble(only_text.snapshot(), "What was it?", mode="recall")


def test_now_shows_the_newest_frames_alone_and_auto_follows_the_question():
    snapshot = filled()
    assert kinds(assemble(snapshot, "Was there a dog?", mode="now")) == {"spatial"}
    assert kinds(assemble(snapshot, "What do you see?")) == {"spatial"}
    recalled = assemble(snapshot, "Was there a dog before?")
    assert recalled.mode == "recall"
    assert kinds(recalled) == {"spatial", "temporal", "abstract", "gap", "note"}


def test_retrieved_frames_are_shown_in_their_place_and_not_twice():
    snapshot = filled()
    early, newest = tier_rows(snapshot.temporal, [0]), tier_rows(snapshot.spatial, [-1])
    both = dataclasses.replace(
        early,
        **{
            part.name: torch.cat([getattr(early, part.name), getattr(newest, part.name)])
            for part in dataclasses.fields(early)
        },
    )
    assembly = assemble(snapshot, "When was it?", retrieved=both)
    retrieved = [part for part in assembly.parts if part.kind == "retrieved"]
    assert [part.frame_id for part in retrieved] == early.frame_ids.tolist()
    assert assembly.parts.index(retrieved[0]) < len(assembly.parts) - len(snapshot.spatial)
    tight = assemble(snapshot, "When was it?", retrieved=both, max_tokens=3 * (P + 6) + P + 8)
    assert kinds(tight) == {"spatial", "retrieved"}


def test_gaps_and_notes_say_what_and_when():
    texts = {part.kind: (part.tag, part.text) for part in assemble(filled(), "When?").parts if part.text}
    assert texts == {
        "gap": ("[00:00:10-00:00:30]", "disconnected"),
        "note": ("[00:00:03-00:00:04]", "user: the blue key"),
    }


def test_tags_are_clock_times():
    assert time_tag(65, 80.9) == "[00:01:05-00:01:20]"
    assert time_tag(3661.2, 3661.9) == "[01:01:01]"
    assert time_tag(360_000, 360_000) == "[100:00:00]"
    assert time_tag(-5, -0.2) == "[-00:00:05-00:00:00]"


@pytest.mark.parametrize(("mode", "max_tokens"), [("later", 10), ("now", 0)])
def test_an_unknown_mode_or_limit_is_refused(mode, max_tokens):
    with pytest.raises(ValueError, match="mode must be|max_tokens must be"):
        assemble(filled(), "What?", mode=mode, max_tokens=max_tokens)


@pytest.mark.parametrize(
    "question",
    [
        "What was on the table?",
        "When did the dog leave?",
        "How long has the car been there?",
        "At 10:00, who was there?",
        "What happened between 2 and 3?",
        "Have you ever seen a cat?",
        "How many times did it ring?",
        "What came first?",
        "What was there 5 minutes ago?",
    ],
)
def test_questions_about_another_time_need_the_past(question):
    assert needs_past(question)


@pytest.mark.parametrize(
    "question",
    [
        "What do you see?",
        "How many people are there right now?",
        "What colour is the car on the left?",
        "Is there a dog?",
        "Describe the scene.",
        "Where is the cup?",
    ],
)
def test_questions_about_the_present_do_not(question):
    assert not needs_past(question)
