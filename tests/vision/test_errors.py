import pickle

from vision import EncoderError, ModelMissingError, SourceError, SourceLostError, SourceOpenError, VisionError


def test_every_error_of_vision_is_a_vision_error() -> None:
    for kind in (SourceError, SourceOpenError, SourceLostError, EncoderError, ModelMissingError):
        assert issubclass(kind, VisionError)


def test_the_kind_of_an_open_error_survives_a_journey_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(SourceOpenError("There is no file a.mp4.", "missing")))
    assert (str(error), error.kind) == ("There is no file a.mp4.", "missing")
