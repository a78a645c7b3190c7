import pickle

import pytest

from app.config import AssistantConfig
from app.frame_store import FrameStoreConfig


def test_configuration_can_be_sent_to_another_process() -> None:
    config = AssistantConfig(source="clip.mp4", close_timeout_s=2.0)
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "  "),
        ("frame_queue", 0),
        ("frame_queue", 1000),
        ("start_timeout_s", 0.0),
        ("close_timeout_s", float("nan")),
    ],
)
def test_value_out_of_range_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        AssistantConfig(**{field: value})


def test_unknown_option_is_an_error() -> None:
    with pytest.raises(TypeError):
        AssistantConfig(fps=3)  # type: ignore[call-arg]


def test_address_with_a_password_is_not_shown() -> None:
    assert "secret" not in repr(AssistantConfig(source="rtsp://user:secret@camera.local/stream"))


@pytest.mark.parametrize("field", ["max_frames", "max_bytes", "max_side_px", "jpeg_quality"])
def test_frame_store_limits_are_checked(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be in"):
        FrameStoreConfig(**{field: 0})
