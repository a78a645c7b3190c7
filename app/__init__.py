"""Afterglow: everything that runs. Importing this package has no effect and needs only the standard library."""

__all__ = ["__version__"]

__version__ = "0.1.0"
