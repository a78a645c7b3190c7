"""What is read from a snapshot."""

import pytest

from app.language.embedded.reading import REGIONS, read_snapshot
from memory import MemoryConfig, StreamMemory
from tests.app.language.embedded.streams import INDEX, LAYOUT, snapshot_of, walk


def test_records_tell_first_and_last_sight_and_the_most_at_once() -> None:
    dog = read_snapshot(walk(), LAYOUT).records[INDEX["dog"]]
    assert (dog.first_s, dog.last_s, dog.peak_count, dog.num_appearances, dog.is_present) == (5.0, 9.0, 2, 1, False)


def test_the_present_holds_what_is_in_view_from_left_to_right() -> None:
    now = read_snapshot(walk(), LAYOUT).now
    assert [(one.concept, one.count, REGIONS[one.region]) for one in now.sightings] == [
        (INDEX["person"], 1, "left"),
        (INDEX["car"], 1, "top"),
    ]


def test_a_moment_in_the_past_shows_what_was_there_then() -> None:
    moment, seen = read_snapshot(walk(), LAYOUT).at(7.0)
    assert moment.distance_s(7.0) == 0.0
    assert {(one.concept, one.count) for one in seen} == {(INDEX["person"], 1), (INDEX["dog"], 2)}


def test_before_an_object_came_it_is_not_in_the_moment() -> None:
    _, seen = read_snapshot(walk(), LAYOUT).at(2.0)
    assert {one.concept for one in seen} == {INDEX["person"]}


def test_the_nearest_kept_moment_is_found_across_a_gap() -> None:
    frames = [(float(second), [("cat", 0.5, 0.5)]) for second in (0, 1, 2, 60, 61)]
    moment = read_snapshot(snapshot_of(frames), LAYOUT).moment_at(20.0)
    assert moment.distance_s(20.0) <= 18.0


def test_an_empty_memory_cannot_be_read() -> None:
    config = MemoryConfig(num_tokens=LAYOUT.num_tokens, token_dim=LAYOUT.token_dim, key_dim=LAYOUT.key_dim)
    with pytest.raises(ValueError, match="no frame"):
        read_snapshot(StreamMemory(config).snapshot(), LAYOUT)
