"""The form of bench/real_clips/*.json: the truths are a person's; here, that the scorer can use them."""

from collections import Counter
from pathlib import Path

import pytest

from bench.clip_packages import FILES, PACKAGES
from bench.clip_scoring import FAMILIES, RULES, load_clips
from bench.clips import CLIPS
from bench.photo_walks import WALKS, duration_s

CLIP_FILES = load_clips(Path(__file__).parents[2] / "bench" / "real_clips")
ITEMS = [(clip, item) for clip in CLIP_FILES for item in clip["questions"]]
EXISTENCE = ("exists_now", "exists_ever", "anyone")


def rules_in(rules):
    for rule in rules:
        assert len(rule) == 1, f"a rule has one name: {rule}"
        ((name, wanted),) = rule.items()
        yield name, wanted
        if name == "any_of":
            yield from rules_in(wanted)


def test_set_is_large_enough_and_split_into_halves():
    splits = Counter(clip["split"] for clip, _ in ITEMS)
    assert len(CLIP_FILES) >= 5 and len(ITEMS) >= 90
    assert set(splits) == {"dev", "held_out"}
    assert abs(splits["dev"] - splits["held_out"]) < 0.15 * len(ITEMS)


def test_every_family_is_asked_and_known():
    asked = {item["family"] for _, item in ITEMS}
    assert asked == set(FAMILIES)


def test_about_a_third_of_existence_questions_ask_for_what_was_never_there():
    existence = [item for _, item in ITEMS if item["family"] in EXISTENCE]
    never = [item for item in existence if not item["evidence"]]
    assert 0.28 < len(never) / len(existence) < 0.45


def test_ids_are_unique():
    assert max(Counter(item["id"] for _, item in ITEMS).values()) == 1


@pytest.mark.parametrize("clip", CLIP_FILES, ids=lambda clip: clip["clip"])
def test_clip_file_is_complete(clip):
    assert clip["clip"] in CLIPS
    assert clip["visible_concepts"] and len(set(clip["visible_concepts"])) == len(clip["visible_concepts"])
    assert clip["about"].strip()
    times = [item["at_s"] for item in clip["questions"]]
    assert times == sorted(times), "questions stand in the order of their times, so that one run answers a group"
    assert times[0] > 0 and times[-1] <= clip["duration_s"]
    if clip["clip"] in WALKS:
        assert clip["duration_s"] == duration_s(clip["clip"])


@pytest.mark.parametrize(("clip", "item"), ITEMS, ids=lambda value: value.get("id", value.get("clip")))
def test_item_has_usable_rules_and_evidence(clip, item):
    assert item["question"].strip() and item["truth"].strip() and item["accept"]
    for name, wanted in rules_in(item["accept"]):
        assert name in RULES
        if name in ("count", "time_s", "last_time_s", "duration_s"):
            assert wanted[0] <= wanted[1]
        if name == "yes_no":
            assert wanted in ("yes", "no")
    if item["evidence"]:
        start_s, end_s = item["evidence"]
        assert 0 <= start_s <= end_s <= item["at_s"], "evidence lies before the question"


@pytest.mark.parametrize("clip", CLIP_FILES, ids=lambda clip: clip["clip"])
def test_follow_up_comes_right_after_the_question_it_follows(clip):
    for before, item in zip([None, *clip["questions"]], clip["questions"], strict=False):
        if "follows" in item:
            assert before is not None and item["follows"] == before["id"] and item["at_s"] == before["at_s"]


def test_every_file_has_a_known_package_and_a_pinned_sum():
    for name, file in FILES.items():
        assert file.package in PACKAGES, name
        assert len(file.sha256) == 64 and int(file.sha256, 16) >= 0
    assert {shot.photo for shots in WALKS.values() for shot in shots} <= set(FILES)
