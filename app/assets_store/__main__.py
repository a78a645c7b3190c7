"""`python -m app.assets_store [--all]`: fetches what is missing and converts it; the starter runs it in .venv.

With --all also what is otherwise fetched when it is first wanted.
"""

import sys

from app.assets_store.catalogue import OPTIONAL_PACKAGES, PACKAGES
from app.assets_store.ensuring import ensure_assets
from app.install.errors import EXIT_INTERRUPTED, EXIT_MODEL_MISSING, EXIT_NOT_FETCHED, SetupError


def main() -> int:
    try:
        ensure_assets(packages=PACKAGES + OPTIONAL_PACKAGES if "--all" in sys.argv[1:] else PACKAGES)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        # Everything else is installed by now: what the user lacks is the model.
        return EXIT_MODEL_MISSING if error.exit_code == EXIT_NOT_FETCHED else error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped: the same command goes on from here.\n")
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
