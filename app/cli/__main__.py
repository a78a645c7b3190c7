"""`python -m app.cli`: runs the command and ends the process with its exit code."""

import sys

if __name__ == "__main__":
    try:
        from app.cli import main

        exit_code = main()
        from app.cli.ending import end_process

        end_process(exit_code)
    except KeyboardInterrupt:  # outside the command itself: while Python starts or ends
        sys.stderr.write("Stopped by Ctrl-C.\n")
        sys.exit(130)
