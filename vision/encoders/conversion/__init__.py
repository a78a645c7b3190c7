"""Programs that turned published networks into the weights that the encoders load. Not imported when Afterglow runs."""

__all__: list[str] = []
