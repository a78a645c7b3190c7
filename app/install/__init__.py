"""Makes .venv, installs the requirements, explains what fails. Standard library only, because nothing else exists yet.

Public are its modules, imported one by one: a start that has nothing to install must take milliseconds.
"""

__all__ = [
    "disk",
    "environment",
    "errors",
    "lock",
    "pip",
    "port",
    "progress",
    "stamp",
    "torch_build",
    "venv_folder",
]
