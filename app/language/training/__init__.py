"""Training of the embedded LMM: simulated streams, questions with their right answers, optimisation, scores, export.

Its programs are `train`, `evaluate` and `export`, each run with `python -m app.language.training.<program>`. Importing
this package loads nothing.
"""

__all__: list[str] = []
