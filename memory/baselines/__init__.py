"""Other ways to spend the same number of visual tokens, behind the interface of StreamMemory: for comparison only.

Comes in: the frames that StreamMemory.write() takes. Goes out: Snapshots. None of them is used by the assistant.
"""

from memory.baselines.flash import FlashMemory
from memory.baselines.kmeans import OfflineKMeans
from memory.baselines.layout import Layout
from memory.baselines.star import StarMemory
from memory.baselines.windows import Fifo, LastFrames, UniformFrames

__all__ = ["Fifo", "FlashMemory", "LastFrames", "Layout", "OfflineKMeans", "StarMemory", "UniformFrames"]
