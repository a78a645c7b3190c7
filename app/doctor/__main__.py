"""`python -m app.doctor`."""

import sys

from app.doctor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
