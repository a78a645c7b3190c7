import pytest

from app.status import SessionStatus
from vision.sources import ConnectionStatus


def make_status(**changes) -> SessionStatus:
    fields = {
        "state": "running", "source_name": "camera", "is_live": True, "frames_seen": 3, "frames_encoded": 2,
        "frames_dropped": 1, "newest_time_s": 1.0, "newest_frame_age_s": 0.1, "remembered_time_s": 1.0,
        "encode_ms": 5.0, "memory_version": 1, "memory_tokens": 2, "memory_bytes": 3, "lmm_name": None,
        "questions_waiting": 0, "last_ttft_ms": None, "failure": None,
    }  # fmt: skip
    return SessionStatus(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "is_stale"),
    [
        ({}, False),
        ({"newest_frame_age_s": 3.1}, True),
        ({"newest_frame_age_s": None}, True),
        ({"newest_frame_age_s": 60.0, "is_live": False}, False),
        ({"newest_frame_age_s": 60.0, "state": "ended"}, False),
        ({"newest_frame_age_s": 60.0, "state": "source_lost"}, True),
    ],
)
def test_a_picture_is_stale_by_its_own_age(changes: dict, is_stale: bool) -> None:
    assert make_status(**changes).is_picture_stale is is_stale


def test_a_status_tells_of_the_connection_if_there_is_one() -> None:
    assert make_status().connection is None
    connection = ConnectionStatus(state="refused", since_s=0.0, message="A wrong password.")
    assert make_status(connection=connection, num_gaps=2).connection == connection
