"""Layouts as the embedded model reads them, and the arithmetic of paired questions."""

import hashlib

import numpy as np
import pytest
import torch

from app.language.embedded.reading import read_snapshot
from bench.memory_answers import CONFIG
from bench.memory_detections import LAYOUT, DetectorStream
from bench.memory_layouts import LAYOUTS, ReadableLayouts, whole_grid
from bench.memory_present import told_of
from memory.baselines.layout import Held, pooled_grid, tier_of


def test_every_layout_can_be_read_and_knows_the_visit_that_has_just_been():
    stream = DetectorStream(3, fps=1.0, duration_s=100.0, num_event_frames=12)
    layouts = ReadableLayouts(list(LAYOUTS), CONFIG)
    for frame in stream.frames(stream.event):
        layouts.write(*frame)
        if frame[3] == stream.event.last:
            break
    for name, snapshot in layouts.snapshots().items():
        reading = read_snapshot(snapshot, LAYOUT)
        record = reading.records.get(stream.event.concept)
        assert record is not None, name
        assert stream.event.first - 2 <= record.first_s <= stream.event.last, name
        assert stream.twin_event.concept not in reading.records, name
    layouts.close()


def test_the_ledger_of_the_traces_knows_what_the_ledger_of_frames_knows_of_a_short_stream():
    stream = DetectorStream(5, fps=1.0, duration_s=100.0, num_event_frames=6)
    layouts = ReadableLayouts(["ours", "ours_ledger_of_traces", "ours_ledger_of_slots"], CONFIG)
    for frame in stream.frames(stream.event):
        layouts.write(*frame)
    snapshots = layouts.snapshots()
    assert len(snapshots) == 3
    assert set(snapshots["ours_ledger_of_traces"].ledger.channels) == set(snapshots["ours"].ledger.channels)
    assert snapshots["ours_ledger_of_slots"].ledger != snapshots["ours"].ledger
    assert snapshots["ours_ledger_of_slots"].temporal is snapshots["ours"].temporal


def test_a_pooled_grid_spread_out_again_holds_the_same_evidence_in_the_same_quarter():
    tokens = np.random.default_rng(0).random((LAYOUT.num_tokens, LAYOUT.token_dim)).astype(np.float32)
    key = np.ones(CONFIG.key_dim, np.float32)
    held = Held(pooled_grid(tokens), key, 1.0, 0.0, 0.0, 0.0, 0, 0, 0)
    spread = whole_grid(tier_of([held], LAYOUT.num_tokens // 4, CONFIG), CONFIG).tokens[0]
    assert spread.shape == tokens.shape
    np.testing.assert_allclose(spread.sum(dim=0), tokens.sum(axis=0), rtol=1e-4)
    side = LAYOUT.grid_size
    whole, again = tokens.reshape(side, side, -1), spread.reshape(side, side, -1)
    np.testing.assert_allclose(again[:2, :2].sum(dim=(0, 1)), whole[:2, :2].sum(axis=(0, 1)), rtol=1e-4)
    whole_tier = tier_of([held._replace(tokens=tokens)], LAYOUT.num_tokens, CONFIG)
    assert whole_grid(whole_tier, CONFIG) is whole_tier


def test_an_unknown_layout_is_refused_by_name():
    with pytest.raises(ValueError, match=r"unknown layouts \['ring'\]"):
        ReadableLayouts(["ours", "ring"], CONFIG)


def test_the_digest_of_twins_is_equal_and_that_of_other_streams_is_not():
    digests = []
    for seed, twin in ((1, False), (1, True), (2, False)):
        stream = DetectorStream(seed, fps=1.0, duration_s=90.0, num_event_frames=3)
        digest = stream.digest()
        for _ in stream.frames(stream.twin_event if twin else stream.event, digest):
            pass
        digests.append(digest.digest())
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == hashlib.blake2b().digest_size


def test_paired_questions_are_told_with_their_difference_and_its_interval():
    told = told_of([(True, True)] * 90 + [(True, False)] * 6 + [(False, True)] * 2 + [(False, False)] * 2)
    assert (told["questions"], told["whole_memory_percent"], told["newest_frames_percent"]) == (100, 96.0, 92.0)
    assert told["right_with_one_alone"] == [6, 2]
    assert told["difference_points"] == 4.0
    low, high = told["interval_points"]
    assert low == pytest.approx(4.0 - 196 * (8 - 0.16) ** 0.5 / 100, abs=0.01) and high == pytest.approx(8.0 - low)


def test_frames_of_a_detector_stream_cannot_be_written_into():
    stream = DetectorStream(1, fps=1.0, duration_s=90.0, num_event_frames=3)
    tokens, *_ = next(stream.frames(stream.event))
    assert torch.from_numpy(tokens.copy()).shape == (LAYOUT.num_tokens, LAYOUT.token_dim)
    with pytest.raises(ValueError, match="read-only"):
        tokens[0, 0] = 1.0
