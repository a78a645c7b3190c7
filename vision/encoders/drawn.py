"""Is a stream drawn or rendered rather than filmed? Then what the networks name is doubted: they know photographs.

In: of each frame, in order, the classifier's logits per cell and whether there is anything to see in it. Out: log odds
to take from all that is seen. A `DrawnJudge` belongs to one thread, since it keeps a running mean over the frames.

One frame's score is linear in the mean logits; `bench/encoder_drawn.py` fits it and tells how it errs. The model card
`assets/models/drawn.md` holds the figures that the constants below rest on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.encoders.calibration import MIN_EVIDENCE
from vision.encoders.seen import SeenObject, lowered

__all__ = ["BLANK_SPREAD", "DrawnJudge", "doubted"]

FloatArray = NDArray[np.float32]

BLANK_SPREAD = 0.03  # standard deviation of the cells' colours (0..1) under which a frame shows nothing, black or white
BOUND = 2.0  # one frame says no more than this, for either
NEWEST = 0.1  # weight of the newest frame: the mean reaches back over some ten frames that show something
FILMED = -BOUND  # where the mean starts: a stream counts as filmed until frames say otherwise
# Between these means doubt grows from none to all of it. Of photographs left out of the fit 95 % score below -0.3 and
# 99 % below 1.1, of drawings 5 % below 1.2; and a stream's mean is steadier than a frame.
DOUBTED_FROM, DOUBTED_FULLY = 0.0, 1.0
# In 15 labelled frames of a cartoon one of 13 detections was true where their probabilities added up to 5.8: the log
# odds that make them true to what was seen (maximum likelihood 3.1).
DOUBT = 3.0


class DrawnJudge:
    """weight: float32 [1000]; bias: one number; both of one frame's score, which is above 0 where it looks drawn."""

    def __init__(self, weight: FloatArray, bias: float) -> None:
        if weight.shape != (1000,):
            raise ValueError(f"expected a weight for each of 1000 classes, got {weight.shape}")
        self._weight, self._bias = weight, bias
        self._mean = FILMED

    def doubt(self, logits: FloatArray, is_blank: bool = False) -> float:
        """Log odds to take from what this frame shows, 0 to DOUBT. logits: float32 [h, w, 1000]."""
        if not is_blank:
            self._mean += NEWEST * (float(np.clip(self.score(logits), -BOUND, BOUND)) - self._mean)
        share = (self._mean - DOUBTED_FROM) / (DOUBTED_FULLY - DOUBTED_FROM)
        return DOUBT * min(max(share, 0.0), 1.0)

    def score(self, logits: FloatArray) -> float:
        """Of one frame alone."""
        return float(logits.mean(axis=(0, 1)) @ self._weight) + self._bias

    def reset(self) -> None:
        """Another stream begins."""
        self._mean = FILMED


def doubted(objects: Sequence[SeenObject], log_odds: float) -> list[SeenObject]:
    """What is left of the objects, strongest evidence first, when each is less probable by `log_odds`."""
    if log_odds <= 0.0:
        return list(objects)
    lower = (lowered(seen, log_odds) for seen in objects)
    return sorted((seen for seen in lower if seen.evidence >= MIN_EVIDENCE), key=lambda seen: -seen.evidence)
