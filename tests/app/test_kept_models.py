import numpy as np

from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.kept_models import KeptModels
from app.session import Session
from tests.fakes import FakeEncoder, FakeLMM, FakeMemory, FakeSource, make_frames
from vision.sources import SourceConfig

CONFIG = AssistantConfig(capture=CaptureConfig(reading=SourceConfig(speed="max")))


class Loaders:
    """Counts how often each model was loaded."""

    def __init__(self) -> None:
        self.encoders: list[FakeEncoder] = []
        self.lmms: list[FakeLMM] = []

    def encoder(self) -> FakeEncoder:
        self.encoders.append(FakeEncoder())
        return self.encoders[-1]

    def lmm(self) -> FakeLMM:
        self.lmms.append(FakeLMM())
        return self.lmms[-1]


def ask(models: KeptModels) -> str:
    source = FakeSource(make_frames(3))
    parts = {"source": source, "encoder": models.encoder, "lmm": models.lmm}
    with Session(CONFIG, **parts, memory=lambda encoder: FakeMemory()) as session:
        assert session.wait_until_ended(5.0)
        return session.ask("what?").result(5.0).text


def test_second_session_loads_nothing() -> None:
    loaders = Loaders()
    models = KeptModels(loaders.encoder, loaders.lmm)
    assert ask(models) == ask(models) == "I see a cat."
    assert len(loaders.encoders) == len(loaders.lmms) == 1
    assert loaders.lmms[0].num_closed == 0
    models.close()
    models.close()
    assert loaders.encoders[0].num_closed == loaders.lmms[0].num_closed == 1


def test_two_sessions_at_once_do_not_share_a_model() -> None:
    loaders = Loaders()
    models = KeptModels(loaders.encoder, loaders.lmm)
    first, second = models.lmm(), models.lmm()
    assert len(loaders.lmms) == 2
    first.close()
    first.close()
    second.close()
    assert [lmm.num_closed for lmm in loaders.lmms] == [0, 1]


def test_model_that_comes_back_late_is_closed() -> None:
    loaders = Loaders()
    models = KeptModels(loaders.encoder, loaders.lmm)
    encoder = models.encoder()
    models.close()
    encoder.encode(np.zeros((4, 4, 3), np.uint8))
    encoder.close()
    assert loaders.encoders[0].num_closed == 1


def test_encoder_forgets_the_stream_before() -> None:
    class Resettable(FakeEncoder):
        num_resets = 0

        def reset(self) -> None:
            self.num_resets += 1

    encoder = Resettable()
    models = KeptModels(lambda: encoder, FakeLMM)
    models.encoder().close()
    models.encoder().close()
    assert encoder.num_resets == 2
