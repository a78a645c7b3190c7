"""The streams of the retention proof: twins differ in one interval alone; and the plot can be drawn."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bench.memory_detections import LAYOUT, DetectorStream
from bench.memory_plot import write_plot
from bench.memory_retention import CONFIG, LAYOUTS, read_nearest
from bench.memory_twins import TwinStream, digest_outside
from bench.memory_with_archive import WithArchive


def make_stream(seed=0):
    return TwinStream(seed, fps=1.0, duration_s=240.0, asked_s=120.0, asked_lengths=(1, 3, 10))


def test_twins_differ_in_the_asked_event_and_nowhere_else():
    stream = make_stream()
    for event in stream.asked:
        changed = stream.twin_of(event)
        assert changed.attribute != event.attribute
        pairs = zip(stream.frames(), stream.frames(changed), strict=True)
        differing = [a[3] for a, b in pairs if a[0].tobytes() != b[0].tobytes() or a[1].tobytes() != b[1].tobytes()]
        assert differing == list(range(event.first, event.last + 1))
        assert digest_outside(stream.frames(), event) == digest_outside(stream.frames(changed), event)


def test_same_seed_same_stream_and_another_seed_another():
    digests = [digest_outside(make_stream(seed).frames(), make_stream(seed).asked[0]) for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_every_layout_answers_both_twins_right_after_the_event_within_its_budget(name):
    stream = make_stream()
    event = stream.asked[2]
    for shown in (event, stream.twin_of(event)):
        memory = LAYOUTS[name](CONFIG)
        for tokens, key, time_s, number in stream.frames(shown):
            memory.write(tokens, key, time_s, number)
            if number == event.last:
                break
        snapshot = memory.snapshot()
        tiers = [snapshot.spatial, snapshot.temporal, snapshot.traces, snapshot.abstract]
        if isinstance(memory, WithArchive):
            tiers.append(memory.retrieved(stream.markers[event.marker]))
        held = sum(tier.tokens.shape[0] * tier.tokens.shape[1] for tier in tiers)
        assert held <= CONFIG.max_visual_tokens
        assert read_nearest(memory, stream.markers[event.marker]) == shown.attribute
        memory.close()


def test_detector_twins_show_another_concept_for_the_visit_alone():
    stream = DetectorStream(1, fps=1.0, duration_s=100.0, num_event_frames=6)
    event, twin = stream.event, stream.twin_event
    assert event.concept not in stream.cast and twin.concept not in stream.cast and event.concept != twin.concept
    shown = np.zeros(2)
    for one, other in zip(stream.frames(event), stream.frames(twin), strict=True):
        if event.first <= one[3] <= event.last:
            shown += one[0][:, event.concept].sum(), other[0][:, twin.concept].sum()
        else:
            assert one[0].tobytes() == other[0].tobytes() and one[1].tobytes() == other[1].tobytes()
    assert one[0].shape == (LAYOUT.num_tokens, LAYOUT.token_dim)
    assert shown.min() > 1.0


def test_who_is_said_to_be_present_is_in_the_frame_or_missed_and_who_is_away_is_not():
    stream = DetectorStream(2, fps=1.0, duration_s=300.0, num_event_frames=3)
    for tokens, _, _, number in stream.frames(stream.event):
        evidence = tokens[:, : LAYOUT.num_concepts].sum(axis=0)
        assert not evidence[stream.away(number)].any() and not evidence[stream.absent]
        assert not set(stream.present(number)) & set(stream.away(number))


def test_the_plot_is_an_svg_with_a_line_for_each_layout(tmp_path):
    path = tmp_path / "plot.svg"
    write_plot(path, (10, 60, 3600), {"ours": [100, 90, 80], "fifo": [100, 0, 0]})
    root = ElementTree.parse(path).getroot()
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2
    assert all(len(line.attrib["points"].split()) == 3 for line in lines)
