"""The ledger: against the written rule on random evidence, and on the cases that people will ask about."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.ledger import LedgerRecorder

LEVELS = [0.0, 0.05, 0.2, 0.3, 0.45, 0.6, 0.7, 0.9, 1.0, 1.2, 1.9, 2.2, 3.1]


def feed(series, max_spans=8, step_s=0.5, first_id=100):
    """The ledger after one channel's evidence, a frame each step_s, ids counted from first_id."""
    recorder = LedgerRecorder(1, max_spans)
    for number, evidence in enumerate(series):
        recorder.update(np.array([evidence], np.float32), number * step_s, first_id + number)
    return recorder.publish().ledger().channels


def reference_spans(series):
    """(first frame, last frame, peak) of each appearance, straight from the rule, and whether the
    last one goes on. What is back within four seconds, eight frames, goes on."""
    series = np.array(series, np.float32)  # the level at which a presence begins is reached in the same arithmetic
    medians = [int(np.rint(np.median(series[max(0, number - 2) : number + 1]))) for number in range(len(series))]
    spans, start, begun, smoothed = [], None, None, np.float32(0)
    for number, evidence in enumerate(series):
        smoothed = 0.5 * smoothed + 0.5 * np.minimum(evidence, 1)
        if start is not None and evidence >= np.float32(0.1):
            smoothed = max(smoothed, np.float32(0.4))
        if start is None and smoothed >= np.float32(0.4):
            start = begun = number
            while start > 0 and series[start - 1] >= 0.25:
                start -= 1
        is_over = start is not None and smoothed < np.float32(0.2)
        if start is not None and (is_over or number == len(series) - 1):
            end = max(n for n in range(start, number + 1) if series[n] >= (0.1 if n > begun else 0.25))
            held = max((min(medians[n - 1], medians[n]) for n in range(start + 1, number + 1)), default=0)
            if spans and start - spans[-1][1] <= 8:
                first, _, peak = spans.pop()
                spans.append((first, end, max(peak, held)))
            else:
                short = min(int(np.rint(series[n])) for n in (start, end))
                spans.append((start, end, max(1, short if end - start < 2 else held)))
        if is_over:
            start = None
    return spans, start is not None, medians[-1] if medians else 0


@settings(deadline=None, max_examples=300)
@given(series=st.lists(st.sampled_from(LEVELS), max_size=60))
def test_spans_and_counts_follow_the_rule(series):
    expected, is_present, median = reference_spans(series)
    channels = feed(series, max_spans=99)
    if not expected:
        assert channels == {}
        return
    record = channels[0]
    found = [(span.first_frame_id - 100, span.last_frame_id - 100, span.peak_count) for span in record.spans]
    assert found == expected
    assert [(span.start_s, span.end_s) for span in record.spans] == [(a * 0.5, b * 0.5) for a, b, _ in expected]
    assert record.num_appearances == len(expected)
    assert record.is_present == is_present
    assert record.count_now == (max(1, median) if is_present else 0)
    assert record.peak_count == max(peak for _, _, peak in expected)
    assert record.present_s == pytest.approx(sum((b - a) * 0.5 for a, b, _ in expected))


@settings(deadline=None, max_examples=100)
@given(series=st.lists(st.sampled_from(LEVELS), max_size=120), max_spans=st.integers(1, 4))
def test_merged_spans_keep_ends_peak_seconds_and_number(series, max_spans):
    full, bounded = feed(series, max_spans=999), feed(series, max_spans=max_spans)
    assert full.keys() == bounded.keys()
    for channel, record in bounded.items():
        whole = full[channel]
        assert len(record.spans) == min(max_spans, len(whole.spans))
        assert all(a.end_s < b.start_s for a, b in zip(record.spans, record.spans[1:], strict=False))
        assert record.spans[0].first_frame_id == whole.spans[0].first_frame_id
        assert record.spans[-1].last_frame_id == whole.spans[-1].last_frame_id
        assert {span.start_s for span in record.spans} <= {span.start_s for span in whole.spans}
        assert {span.end_s for span in record.spans} <= {span.end_s for span in whole.spans}
        assert record.present_s == pytest.approx(whole.present_s)
        for name in ("peak_count", "peak_time_s", "peak_frame_id", "num_appearances", "is_present", "count_now"):
            assert getattr(record, name) == getattr(whole, name)


def test_flicker_of_one_doubtful_frame_is_no_appearance():
    assert feed([0, 0, 0.6, 0, 0, 0.7, 0, 0]) == {}


def test_sure_sighting_of_one_frame_is_an_appearance():
    record = feed([0, 0, 0.9, 0, 0, 0, 0])[0]
    (span,) = record.spans
    assert (span.start_s, span.end_s, span.first_frame_id, span.last_frame_id) == (1.0, 1.0, 102, 102)
    assert (record.num_appearances, record.is_present, record.count_now, record.peak_count) == (1, False, 0, 1)


def test_one_missed_frame_does_not_end_a_presence():
    record = feed([1, 1, 1, 0, 1, 1])[0]
    assert record.num_appearances == 1
    assert (record.spans[0].start_s, record.spans[0].end_s, record.is_present) == (0.0, 2.5, True)


def test_weak_evidence_keeps_what_is_present_but_begins_nothing():
    assert feed([0.2] * 20) == {}
    record = feed([1, 1, *[0.15] * 20])[0]
    assert record.is_present and record.spans[0].end_s == 21 * 0.5


def test_what_is_back_within_four_seconds_was_missed_not_gone():
    record = feed([1, 1, 3, 3, *[0] * 7, 1, 1])[0]
    assert [(span.start_s, span.end_s, span.peak_count) for span in record.spans] == [(0.0, 6.0, 3)]
    assert (record.num_appearances, record.present_s) == (1, 6.0)
    assert record.peak_frame_id in (102, 103)


def test_what_is_away_for_longer_has_left_and_come_back():
    record = feed([1, 1, *[0] * 8, 1, 1])[0]
    assert [(span.start_s, span.end_s) for span in record.spans] == [(0.0, 0.5), (5.0, 5.5)]
    assert record.num_appearances == 2


def test_what_is_missed_is_not_there_now():
    assert not feed([1, 1, 1, 0, 0, 0])[0].is_present


def test_a_published_ledger_does_not_change_when_a_span_goes_on():
    recorder = LedgerRecorder(1, 8)
    for number, evidence in enumerate([1, 1, 0, 0, 0]):
        recorder.update(np.array([evidence], np.float32), number * 0.5, number)
    before = recorder.publish()
    for number in (5, 6):
        recorder.update(np.array([1], np.float32), number * 0.5, number)
    assert [span.end_s for span in before.ledger().channels[0].spans] == [0.5]
    assert [span.end_s for span in recorder.publish().ledger().channels[0].spans] == [3.0]


def test_span_starts_at_the_first_doubtful_frame_of_its_run():
    record = feed([0, 0.3, 0.3, 0.6, 0.9, 1])[0]
    assert record.spans[0].first_frame_id == 101


def test_count_is_the_median_so_one_double_detection_is_not_two():
    record = feed([1, 1, 2.1, 1, 1])[0]
    assert (record.count_now, record.peak_count) == (1, 1)


def test_count_that_holds_is_the_peak_with_a_frame_that_shows_it():
    series = [1, 1, 3, 3, 3, 1, 1, 1]
    record = feed(series)[0]
    assert (record.peak_count, record.count_now) == (3, 1)
    assert series[record.peak_frame_id - 100] == 3
    assert record.peak_time_s == (record.peak_frame_id - 100) * 0.5


@pytest.mark.parametrize(("series", "peak"), [([0, 3, 0, 0, 0], 3), ([0, 3, 2, 0, 0], 2), ([0, 3, 3], 3), ([3], 3)])
def test_short_sighting_counts_what_it_has(series, peak):
    record = feed(series)[0]
    assert record.peak_count == peak
    assert record.peak_frame_id == 100 + series.index(3)


def test_count_is_at_least_one_while_present():
    record = feed([1, 1, 0.4, 0.4, 0.4])[0]
    assert record.is_present and record.count_now == 1


def test_neighbours_with_the_smallest_gap_are_merged():
    sighting, gap = [1, 1], lambda frames: [0] * frames
    record = feed([*sighting, *gap(30), *sighting, *gap(10), *sighting, *gap(40), *sighting], max_spans=3)[0]
    assert [(span.first_frame_id - 100, span.last_frame_id - 100) for span in record.spans] == [
        (0, 1),
        (32, 45),
        (86, 87),
    ]
    assert record.num_appearances == 4
    assert record.present_s == pytest.approx(4 * 0.5)


def test_hours_of_comings_and_goings_keep_the_first_sighting_and_the_true_number():
    recorder = LedgerRecorder(3, 8)
    visits = 0
    for number in range(7200 * 2):
        is_here = number % 40 < 10
        visits += number % 40 == 0
        evidence = np.array([0.0, 1.0 if is_here else 0.02, 1.0 if 20 <= number < 24 else 0.0], np.float32)
        recorder.update(evidence, number * 0.5, number)
    channels = recorder.publish().ledger().channels
    assert set(channels) == {1, 2}
    assert len(channels[1].spans) == 8
    assert channels[1].spans[0].start_s == 0.0 and channels[1].spans[0].first_frame_id == 0
    assert channels[1].num_appearances == visits
    assert channels[1].present_s == pytest.approx(visits * 4.5)
    (only,) = channels[2].spans
    assert (only.start_s, only.end_s) == (10.0, 11.5)


def test_channels_do_not_disturb_each_other():
    rng = np.random.default_rng(4)
    series = rng.choice(LEVELS, size=(400, 20)) * (rng.random((400, 20)) < 0.5)
    recorder = LedgerRecorder(20, 4)
    for number, evidence in enumerate(series.astype(np.float32)):
        recorder.update(evidence, number * 0.5, 100 + number)
    together = recorder.publish().ledger().channels
    for channel in range(20):
        alone = feed(series[:, channel], max_spans=4)
        assert together.get(channel) == alone.get(0)


def test_published_ledger_does_not_change_with_later_frames():
    recorder = LedgerRecorder(2, 2)
    rng = np.random.default_rng(6)
    states = []
    for number in range(300):
        recorder.update(rng.choice(LEVELS, size=2).astype(np.float32), float(number), number)
        if number % 10 == 0:
            state = recorder.publish()
            states.append((state, state.ledger()))
    assert all(state.ledger() == before for state, before in states)


def test_no_channels_and_no_frames_give_an_empty_ledger():
    assert LedgerRecorder(0, 8).publish().ledger().channels == {}
    recorder = LedgerRecorder(0, 8)
    recorder.update(np.zeros(0, np.float32), 0.0, 0)
    assert recorder.publish().ledger().channels == {}
    assert feed([]) == {}
