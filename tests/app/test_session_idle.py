"""A camera whose pictures nobody looks at is read by its key pictures alone, until somebody asks."""

from dataclasses import replace

from app.config import AssistantConfig
from app.perceiving import PerceiveConfig
from tests.app.recording.parts import wait_for
from tests.fakes import FakeClock, FakeSource, make_frames, make_session
from vision import EndOfStream, Frame


class Camera(FakeSource):
    """Notes how it is read; each read takes a tenth of a second."""

    def __init__(self, clock: FakeClock) -> None:
        frames = [replace(frame, time_s=float(frame.index)) for frame in make_frames(3000)]
        super().__init__(frames, is_live=True, never_ends=True)
        self.is_idle = False
        self.said: list[bool] = []
        self._clock = clock

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        self.said.append(self.is_idle)
        self._clock.advance(0.1)
        self._idle.wait(0.001)
        return super().read(timeout_s)


def test_a_camera_is_idle_until_somebody_asks_or_looks() -> None:
    clock = FakeClock()
    camera = Camera(clock)
    config = AssistantConfig(perceive=PerceiveConfig(fps=0.5))
    with make_session(config, source=camera, clock=clock) as session:
        wait_for(lambda: camera.is_idle)
        for use in (lambda: session.ask("What is there?"), session.latest_frame):
            use()
            asked = len(camera.said)
            wait_for(lambda asked=asked: len(camera.said) > asked + 3)  # type: ignore[misc]
            assert not all(camera.said[asked + 2 : asked + 4])
            wait_for(lambda: camera.is_idle)
