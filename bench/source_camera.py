"""The camera of `bench.sources`: an RTSP server in a process of its own, whose pictures tell when they were sent.

In: a port and a file. Out: a stream of 640 x 360 at 30 pictures a second, GOP of 60; each picture carries its number as
a row of six light or dark squares, and the file holds the monotonic time at which each number was last sent.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tests.rtsp_server import RtspServer, encode_pictures

__all__ = ["FPS", "NUM_PICTURES", "Camera", "number_of"]

WIDTH_PX, HEIGHT_PX, FPS, NUM_PICTURES = 640, 360, 30, 60
_SQUARE_PX, _NUM_BITS = 24, 6


class Camera:
    """`start` returns when it listens; `kill` is SIGKILL. Use as a context manager."""

    def __init__(self, folder: Path, port: int):
        self.url = f"rtsp://127.0.0.1:{port}/camera"
        self._port, self._path = port, folder / "sent_times"
        self.sent_s = np.memmap(self._path, np.float64, "w+", shape=(NUM_PICTURES,))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Monotonic time at which it listened."""
        command = [sys.executable, "-m", "bench.source_camera", str(self._port), str(self._path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def send(self, sent: signal.Signals) -> None:
        """SIGSTOP: it hangs, and the system goes on accepting for it. SIGCONT: it goes on."""
        assert self._process is not None
        self._process.send_signal(sent)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Camera:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def number_of(image: np.ndarray) -> int:
    """The number that a picture [H, W, 3] of the camera carries."""
    middle = _SQUARE_PX // 2
    bits = [image[middle, middle + _SQUARE_PX * place].mean() > 128 for place in range(_NUM_BITS)]
    return sum(1 << place for place, bit in enumerate(bits) if bit)


def _pictures() -> list[np.ndarray]:
    """A moving texture, so that decoding is real work, with the number in its corner."""
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT_PX // 8, WIDTH_PX // 8, 3), dtype=np.uint8)
    texture = noise.repeat(8, axis=0).repeat(8, axis=1)
    images = []
    for number in range(NUM_PICTURES):
        image = np.roll(texture, 3 * number, axis=1)
        for place in range(_NUM_BITS):
            left = _SQUARE_PX * place
            image[:_SQUARE_PX, left : left + _SQUARE_PX] = 235 if number >> place & 1 else 16
        images.append(image)
    return images


def main() -> None:
    port, path = int(sys.argv[1]), sys.argv[2]
    sent_s = np.memmap(path, np.float64, "r+", shape=(NUM_PICTURES,))

    def note(number: int) -> None:
        sent_s[number] = time.monotonic()

    cache = Path(path).with_name("pictures.npy")
    if not cache.exists():
        units = encode_pictures(_pictures(), "h264", crf="28")
        np.save(cache, np.array(units, dtype=object), allow_pickle=True)
    pictures = [list(each) for each in np.load(cache, allow_pickle=True)]
    with RtspServer(fps=FPS, port=port, pictures=pictures, on_sent=note):
        print(time.monotonic(), flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    main()
