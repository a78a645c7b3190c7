import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.archive import Archive, ArchiveConfig, ArchiveReader
from memory.records import Ledger
from memory.retrieval import Query, Retriever, RetrieverConfig
from memory.snapshot import Snapshot, Tier
from tests.memory.archive.making import jpeg_of

KEY_DIM, CHANNELS = 64, 4
SCENES = np.linalg.qr(np.random.default_rng(0).standard_normal((KEY_DIM, KEY_DIM)))[0].astype(np.float32)


def make_snapshot(t_now_s, recent=()):
    """recent: (frame id, key) of the frames that the snapshot shows whole."""
    ids = torch.tensor([frame_id for frame_id, _ in recent], dtype=torch.int64)
    keys = torch.tensor(np.array([key for _, key in recent]).reshape(len(recent), KEY_DIM), dtype=torch.float32)
    times_s = torch.full((len(recent), 2), float(t_now_s), dtype=torch.float64)
    tier = Tier(
        times_s=times_s,
        weights=torch.ones(len(recent)),
        tokens=torch.zeros(len(recent), 1, 1),
        frame_ids=ids,
        first_frame_ids=ids,
        last_frame_ids=ids,
        keys=keys,
    )
    return Snapshot(version=1, t_now_s=float(t_now_s), frames_seen=1, spatial=tier, temporal=tier, ledger=Ledger())


def record(folder, scene_of, num_frames, shown=lambda number: {}):
    """One frame a second: scene_of(number) picks its key, shown(number) its evidence by channel."""
    config = ArchiveConfig(fingerprint="e", key_dim=KEY_DIM, evidence_dim=CHANNELS, min_free_bytes=0, sync_period_s=1e9)
    archive = Archive(folder, config)
    noise = np.random.default_rng(1).standard_normal((num_frames, KEY_DIM)).astype(np.float32) * 0.01
    for number in range(num_frames):
        evidence = np.zeros(CHANNELS)
        for channel, value in shown(number).items():
            evidence[channel] = value
        key = SCENES[scene_of(number)] + noise[number]
        assert archive.put(number, float(number), 0.0, jpeg_of(number, 40), key, evidence)
    archive.close()
    return ArchiveReader(folder)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """Twenty scenes of 15 seconds each; the dog (channel 1) best at 137, worse at 30..32; the cat (channel 2) at 32."""
    shown = {30: {1: 0.8}, 31: {1: 0.7}, 32: {1: 0.6, 2: 0.9}, 137: {1: 2.5}, 200: {3: 0.1}}
    reader = record(tmp_path_factory.mktemp("busy") / "a", lambda n: n // 15, 300, lambda n: shown.get(n, {}))
    yield reader
    reader.close()


def retrieve(reader, t_now_s=299.0, k=4, recent=(), config=None, **query):
    return Retriever(reader, config).retrieve(make_snapshot(t_now_s, recent), Query(**query), k)


def ids(frames):
    return [frame.frame_id for frame in frames]


def test_a_key_brings_back_its_scene_once(busy):
    found = retrieve(busy, key=SCENES[7], k=6)
    assert [frame.time_s // 15 for frame in found] == [7.0]
    assert found[0].reason == "content" and found[0].score > 0.98
    assert busy.get(found[0].frame_id).jpeg == jpeg_of(found[0].frame_id, 40)


def test_two_scenes_come_in_order_of_time_without_near_duplicates(busy):
    found = retrieve(busy, key=SCENES[12] + 0.8 * SCENES[3], k=6)
    assert [frame.time_s // 15 for frame in found] == [3.0, 12.0]
    assert found[1].score > found[0].score


def test_the_frame_where_a_channel_was_seen_best_is_found(busy):
    assert 137 in ids(retrieve(busy, channels=(1,), k=1))
    assert ids(retrieve(busy, channels=(1, 2), k=1)) == [32]
    assert retrieve(busy, channels=(0,)) == () and retrieve(busy, channels=(3,)) == ()  # never seen; hardly


def test_nothing_later_than_the_snapshot_comes_back(busy):
    assert 137 not in ids(retrieve(busy, t_now_s=136.0, channels=(1,)))
    assert retrieve(busy, t_now_s=100.0, times=((120.0, 130.0),)) == ()
    for query in ({}, {"key": SCENES[9]}, {"times": ((90.0, 200.0),)}, {"channels": (1,)}):
        assert all(frame.time_s <= 100.0 for frame in retrieve(busy, t_now_s=100.0, k=20, **query))


def test_a_point_in_time_brings_the_nearest_frame(busy):
    assert ids(retrieve(busy, times=((150.4, 150.4),), k=1)) == [150]
    assert ids(retrieve(busy, t_now_s=1000.0, times=((900.0, 900.0),), k=3)) == [299]  # nothing nearer was kept
    found = retrieve(busy, times=((10.0, 10.0), (250.0, 250.0)), k=2)
    assert ids(found) == [10, 250] and {frame.reason for frame in found} == {"time"}


def test_a_range_is_shown_evenly(busy):
    found = retrieve(busy, times=((0.0, 299.0),), k=10)
    assert len(found) == 10
    assert max(np.diff([frame.time_s for frame in found])) < 75
    assert all(60.0 <= frame.time_s <= 90.0 for frame in retrieve(busy, times=((60.0, 90.0),), k=5))


def test_content_within_a_time_is_preferred_and_the_time_is_shown_anyway(busy):
    assert 31 in ids(retrieve(busy, channels=(1,), times=((31.0, 60.0),), k=2))
    found = retrieve(busy, channels=(1,), times=((60.0, 75.0),), k=2)
    assert found and {frame.reason for frame in found} == {"time"}


def test_an_overview_reaches_back_and_is_closer_together_towards_now(busy):
    times_s = [frame.time_s for frame in retrieve(busy, k=6)]
    assert times_s[0] == 0.0 and times_s[-1] > 280
    gaps = np.diff(times_s)
    assert all(earlier > later for earlier, later in zip(gaps, gaps[1:], strict=False))


def test_what_the_snapshot_shows_already_is_left_out_unless_wanted(busy):
    recent = [(299, SCENES[7])]
    assert retrieve(busy, key=SCENES[7], recent=recent) == ()
    assert len(retrieve(busy, key=SCENES[7], recent=recent, skip_recent=False)) == 1
    assert 299 not in ids(retrieve(busy, recent=[(299, SCENES[0])], k=6))
    assert ids(retrieve(busy, recent=[(299, SCENES[7])], times=((110.0, 110.0),), k=1)) == [110]


def test_a_long_late_scene_does_not_crowd_out_an_early_moment(tmp_path):
    """Four fifths of the stream look somewhat like the question, a little more than an early moment does."""
    rng = np.random.default_rng(5)
    tints = rng.integers(10, 60, 500)
    tints[40] = 5  # looks like no other
    config = ArchiveConfig(fingerprint="e", key_dim=KEY_DIM, min_free_bytes=0, sync_period_s=1e9)
    archive = Archive(tmp_path / "a", config)
    for number in range(500):
        like = 0.50 if number == 40 else 0.52 if number > 100 else 0.0
        key = like * SCENES[0] + np.sqrt(1 - like**2) * SCENES[tints[number]]
        archive.put(number, float(number), 0.0, jpeg_of(number, 40), key)
    archive.close()
    reader = ArchiveReader(tmp_path / "a")
    assert 40 in ids(retrieve(reader, t_now_s=499.0, key=SCENES[0], k=16))
    unbalanced = RetrieverConfig(balance=0.0)
    assert 40 not in ids(retrieve(reader, t_now_s=499.0, key=SCENES[0], k=16, config=unbalanced))
    reader.close()


def test_planted_moments_are_found_wherever_they_lie(busy):
    for scene in range(20):
        found = retrieve(busy, key=SCENES[scene], k=3)
        assert [frame.time_s // 15 for frame in found] == [float(scene)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    now=st.floats(0, 400),
    k=st.integers(1, 20),
    scene=st.none() | st.integers(0, 30),
    channels=st.lists(st.integers(0, CHANNELS - 1), max_size=2, unique=True),
    times=st.lists(st.tuples(st.floats(-50, 400), st.floats(0, 100)), max_size=3),
)
def test_any_question_gets_distinct_frames_in_order_and_the_same_twice(busy, now, k, scene, channels, times):
    query = {
        "key": None if scene is None else SCENES[scene],
        "channels": tuple(channels),
        "times": tuple((start, start + length) for start, length in times),
    }
    found = retrieve(busy, t_now_s=now, k=k, **query)
    assert len(found) <= k and len(set(ids(found))) == len(found)
    assert [frame.time_s for frame in found] == sorted(frame.time_s for frame in found)
    assert all(0.0 <= frame.time_s <= now for frame in found)
    assert found == retrieve(busy, t_now_s=now, k=k, **query)


@pytest.mark.parametrize("times", [((2.0, 1.0),), ((float("nan"), 1.0),)])
def test_impossible_questions_are_refused(busy, times):
    with pytest.raises(ValueError, match="start first"):
        Query(times=times)
    with pytest.raises(ValueError, match="k must be"):
        retrieve(busy, k=0)
    with pytest.raises(ValueError, match="balance"):
        RetrieverConfig(balance=2.0)
    with pytest.raises(ValueError, match="channels"):
        retrieve(busy, channels=(CHANNELS,))


def test_an_empty_archive_brings_nothing(tmp_path):
    reader = record(tmp_path / "a", lambda n: 0, 0)
    for query in ({}, {"key": SCENES[0]}, {"channels": (1,)}, {"times": ((1.0, 2.0),)}):
        assert retrieve(reader, **query) == ()
    reader.close()
