"""How many processors PyTorch's operations take in one of our threads.

libgomp lets its helpers wait awake only while all teams together fit the processors; each Python thread that computes
with more than one has a team of its own. A second team on two processors puts the helpers of the first to sleep
after each operation, and the language model's first token comes 1.8 times later (bench/first_audio.py).
"""

import threading

__all__ = ["compute_alone"]


def compute_alone() -> None:
    """PyTorch computes in the calling thread without helpers from here on; other threads keep theirs.

    `torch.set_num_threads` holds for the calling thread and for threads that have not computed yet; so another thread
    sets the latter back, and none may begin to compute in between: call it when the others are at work.
    """
    import torch

    usual = torch.get_num_threads()
    if usual == 1:
        return
    is_set = threading.Event()

    def restore() -> None:
        is_set.wait()
        torch.set_num_threads(usual)

    restorer = threading.Thread(target=restore, name="afterglow-threads")
    restorer.start()
    torch.set_num_threads(1)
    is_set.set()
    restorer.join()
