"""What the threads need of a vision encoder, whichever it is: three protocols."""

from typing import Any, Protocol

import numpy as np

__all__ = ["Encoded", "Encoder", "Layout"]


class Layout(Protocol):
    """The shape of what an encoder gives: `vision.encoders.GridLayout`."""

    @property
    def num_tokens(self) -> int: ...
    @property
    def token_dim(self) -> int: ...
    @property
    def key_dim(self) -> int: ...
    @property
    def num_concepts(self) -> int: ...


class Encoded(Protocol):
    """One frame as visual tokens [P, D] and a key [key_dim], floating dtype."""

    @property
    def tokens(self) -> Any: ...
    @property
    def key(self) -> Any: ...


class Encoder(Protocol):
    """A vision encoder; used by one thread."""

    @property
    def layout(self) -> Layout: ...

    def encode(self, image: np.ndarray) -> Encoded:
        """image: uint8 [H, W, 3] RGB."""
        ...
