"""A tensor on a CUDA device that readers on several streams share.

Comes in: a tensor that the current stream has begun to make. Goes out: the same tensor, to whoever asks: each stream
waits once, by an event, until it is made; no host thread waits. Any thread.
"""

import torch

__all__ = ["StreamTensor"]


class StreamTensor:
    """Made by the thread whose current stream fills `tensor`; read-only from then on."""

    def __init__(self, tensor: torch.Tensor) -> None:
        stream = torch.cuda.current_stream(tensor.device)
        self._tensor, self._device_index, self._made = tensor, tensor.get_device(), torch.cuda.Event()
        self._made.record(stream)
        self._knowing = {stream.cuda_stream}  # streams that come after the making

    def get(self) -> torch.Tensor:
        """For use on the caller's current stream."""
        # Readers come here without pause: the bare number of the stream, since torch.cuda.current_stream() makes an
        # object at each call, in Python, while the writer waits for the interpreter.
        if torch._C._cuda_getCurrentRawStream(self._device_index) not in self._knowing:
            self._follow(torch.cuda.current_stream(self._tensor.device))
        return self._tensor

    def _follow(self, stream: torch.cuda.Stream) -> None:
        stream.wait_event(self._made)
        self._tensor.record_stream(stream)  # its memory is not lent anew before this stream is through
        self._knowing.add(stream.cuda_stream)
