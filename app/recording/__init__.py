"""Recordings on disk: where they lie, what is written beside the memory, and how they are asked, shown and erased.

Parts are imported from their modules, since some bring heavy libraries that others must not wait for.
"""

__all__: list[str] = []
