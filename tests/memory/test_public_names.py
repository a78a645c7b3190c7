import memory


def test_every_public_name_exists_and_is_listed_once():
    assert len(set(memory.__all__)) == len(memory.__all__)
    assert all(hasattr(memory, name) for name in memory.__all__)


def test_errors_form_the_documented_tree():
    assert issubclass(memory.MemoryClosedError, memory.StreamMemoryError)
    for error in (memory.TokensError, memory.TimeOrderError):
        assert issubclass(error, memory.InvalidFrameError)
        assert issubclass(error, ValueError)
