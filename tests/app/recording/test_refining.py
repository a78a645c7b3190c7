"""Questions about times that the memory has merged, answered by what the archive keeps of every second."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.language.embedded.reading import Reading, read_snapshot
from app.loading import memory_config
from app.recording.folder import RecordingFolder
from app.recording.refining import refined
from app.recording.stored import StoredRecording
from app.recording.stored_session import StoredSession
from memory import Snapshot
from tests.app.recording.parts import NOON_S, WAIT_S, GridEncoder, keep_config, record
from tests.fakes import FakeEncoded, FakeLMM
from vision import Frame
from vision.encoders import CONCEPTS, GridLayout

LENGTH_S = 600
LAYOUT = GridLayout(num_concepts=len(CONCEPTS))


def count_at(second: int) -> int:
    """One of the first concept for 5 s of every 20, from the first minute on; three of them from 300 to 320 s, and
    five at 315 to 318 s."""
    if 300 <= second <= 320:
        return 5 if 315 <= second <= 318 else 3
    return int(second >= 60 and second % 20 < 5)


class CountingEncoder(GridEncoder):
    """As many in the first cell as the grey of the picture says."""

    def encode(self, image: np.ndarray) -> FakeEncoded:
        encoded = super().encode(image)
        encoded.tokens[0, 0] = float(image[0, 0, 0])
        return encoded


def frames(counts: Callable[[int], int], length_s: int) -> list[Frame]:
    image = np.zeros((24, 32, 3), np.uint8)
    return [
        Frame(image=image + counts(i // 2), time_s=i / 2, wall_time_s=NOON_S + i / 2, index=i)
        for i in range(2 * length_s)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    few_spans = replace(memory_config(CountingEncoder().layout), max_spans_per_channel=8)  # as after a day
    record(keep_config(data), frames(count_at, LENGTH_S), encoder=CountingEncoder, memory=few_spans)
    return data


def opened(data: Path) -> "contextlib.closing[StoredRecording]":
    return contextlib.closing(StoredRecording(RecordingFolder(data, "front"), now_s=lambda: NOON_S + LENGTH_S))


def is_seen(snapshot: Snapshot, start_s: float, end_s: float) -> bool:
    return any(one.end_s >= start_s and one.start_s <= end_s for one in snapshot.ledger.channels[0].spans)


def most(snapshot: Snapshot, start_s: float, end_s: float) -> int:
    spans = snapshot.ledger.channels[0].spans
    return max((one.peak_count for one in spans if one.end_s >= start_s and one.start_s <= end_s), default=0)


def reading(snapshot: Snapshot) -> Reading:
    return read_snapshot(snapshot, LAYOUT)


def merged_hole(snapshot: Snapshot) -> tuple[float, float]:
    """A time without anybody that the memory takes for a presence: it has room for few spans."""
    holes = [(start + 7.0, start + 17.0) for start in range(60, LENGTH_S - 20, 20) if not 280 <= start < 330]
    return next(hole for hole in holes if is_seen(snapshot, *hole))


def test_a_time_without_anybody_is_told_from_the_presences_around_it(data: Path) -> None:
    with opened(data) as recording:
        hole = merged_hole(recording.snapshot)
        finer = recording.refined_snapshot([hole])
        assert not is_seen(finer, *hole) and is_seen(finer, hole[0] - 8.0, hole[0] - 4.0)
        assert is_seen(recording.snapshot, *hole), "the snapshot itself is not changed"


def test_a_presence_is_found_in_the_seconds_in_which_it_was(data: Path) -> None:
    with opened(data) as recording:
        for start_s in range(80, LENGTH_S - 40, 60):
            finer = recording.refined_snapshot([(float(start_s), start_s + 19.0)])
            inside = [one for one in finer.ledger.channels[0].spans if start_s + 1.0 < one.end_s < start_s + 18.0]
            expected = [second for second in range(start_s, start_s + 19) if count_at(second)]
            assert len(inside) == 1 and abs(inside[0].end_s - expected[-1]) <= 1.5


def test_the_most_at_once_is_that_of_the_span_which_is_asked_about(data: Path) -> None:
    with opened(data) as recording:
        assert most(recording.snapshot, 302.0, 308.0) == 5
        assert most(recording.refined_snapshot([(302.0, 308.0)]), 302.0, 308.0) == 3
        assert most(recording.refined_snapshot([(302.0, 319.0)]), 302.0, 319.0) == 5


@pytest.mark.parametrize(("second", "count"), [(306, 3), (317, 5), (342, 1), (352, 0)])
def test_a_moment_has_the_count_of_its_own_second(data: Path, second: int, count: int) -> None:
    with opened(data) as recording:
        finer = reading(recording.refined_snapshot([(float(second), float(second))]))
        _, sightings = finer.at(float(second))
        assert sum(one.count for one in sightings if one.concept == 0) == count
        assert finer.now == reading(recording.snapshot).now


def test_what_the_archive_does_not_have_stays_as_the_memory_has_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(data) as recording:
        hole = merged_hole(recording.snapshot)
        spans = recording.snapshot.ledger.channels[0].spans
        monkeypatch.setattr(recording.reader, "get", lambda frame_id: None)  # all was erased
        assert recording.refined_snapshot([hole]) is recording.snapshot
        monkeypatch.undo()
        monkeypatch.setattr("app.recording.refining.MAX_FRAMES", 10)
        assert refined(recording.snapshot, [hole], recording.reader).ledger.channels[0].spans == spans
        monkeypatch.undo()
        kept = recording.reader.between(0.0, 1e9)
        few = [row for row in kept if int(row.time_s) % 8 == 0]
        monkeypatch.setattr(
            recording.reader, "between", lambda low, high: [one for one in few if low <= one.time_s <= high]
        )
        assert recording.refined_snapshot([hole]) is recording.snapshot


def test_what_was_too_short_for_the_archive_is_not_lost(tmp_path: Path) -> None:
    flash = frames(lambda second: 0, 60)
    for i in range(63, 66):  # 31.5 to 32.5 s; of these three the archive keeps at most two
        flash[i] = Frame(image=flash[i].image + 1, time_s=flash[i].time_s, wall_time_s=flash[i].wall_time_s, index=i)
    record(keep_config(tmp_path, picture_period_s=3.0), flash, encoder=CountingEncoder)
    with opened(tmp_path) as recording:
        assert is_seen(recording.snapshot, 31.0, 33.0)
        assert is_seen(recording.refined_snapshot([(20.0, 40.0)]), 31.0, 33.0)


def test_a_question_about_an_interval_sees_the_finer_memory(data: Path) -> None:
    lmm = FakeLMM()
    with opened(data) as recording, StoredSession(recording, lmm=lambda: lmm) as session:
        hole = merged_hole(recording.snapshot)
        session.ask("Was anybody there?").result(WAIT_S)
        session.ask("Was anybody there?", [hole]).result(WAIT_S)
    assert [is_seen(snapshot, *hole) for snapshot in lmm.snapshots] == [True, False]
