"""`python3 launch.py doctor`: what was found, what will be used, what is missing and how to get it.

Standard library only, and every library is asked for with care, so that it also reports on a machine without .venv.
"""

from app.doctor.finding import Finding
from app.doctor.report import examine, main

__all__ = ["Finding", "examine", "main"]
