"""What `python3 launch.py` does before the product runs. Standard library only, one thread, the starter's."""

from app.start.command import run

__all__ = ["run"]
