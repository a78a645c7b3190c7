"""A process of its own that records into an archive until it is killed: run by test_kill.py.

    python -m tests.memory.archive.child FOLDER

Tells the number of each frame once it is kept, and forgets and evicts now and then. Ends when its input ends.
"""

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    # The archive needs no torch: without memory/__init__.py the process starts in a tenth of the time.
    memory = types.ModuleType("memory")
    memory.__path__ = [str(ROOT / "memory")]
    sys.modules["memory"] = memory
    from memory.archive import ArchiveError
    from tests.memory.archive.making import make_archive, put

    try:
        archive = make_archive(Path(sys.argv[1]), max_bytes=512 * 1024, sync_period_s=0.05)
    except ArchiveError as error:
        tell(f"refused: {error}")
        return
    tell("ready")
    sys.stdin.readline()
    first = (archive.stats().last_frame_id or -1) + 1
    for frame_id in range(first, first + 100_000):
        assert put(archive, frame_id), archive.stats().problem
        tell(str(frame_id))
        if frame_id % 17 == 16:
            archive.forget(frame_id - 9.0, frame_id - 7.0)


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
