"""What can end a start before Afterglow runs: one exception, one sentence, one exit code. Standard library only."""

import errno

EXIT_BAD_ARGUMENTS = 2
EXIT_MODEL_MISSING = 5
EXIT_WRONG_PYTHON = 10
EXIT_NOT_FETCHED = 11
EXIT_DISK_FULL = 12
EXIT_DAMAGED = 13
EXIT_PORT_IN_USE = 14
EXIT_READ_ONLY = 15
EXIT_SETUP_FAILED = 16
EXIT_INTERRUPTED = 130


class SetupError(Exception):
    """The set-up cannot go on; the message is a sentence for the user that says what to do."""

    def __init__(self, message: str, exit_code: int = EXIT_SETUP_FAILED):
        super().__init__(message)
        self.exit_code = exit_code


def disk_full_error(folder: str, doing: str) -> SetupError:
    return SetupError(
        f"The disk that holds {folder} became full while {doing}: free some space and run the same command again.",
        EXIT_DISK_FULL,
    )


def read_only_error(folder: str) -> SetupError:
    return SetupError(
        f"Cannot write in {folder}: make it writable, or copy Afterglow to a folder of your own and run it there.",
        EXIT_READ_ONLY,
    )


def explain_os_error(error: OSError, folder: str, doing: str) -> SetupError:
    """The sentence for a failed file operation under `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full_error(folder, doing)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return read_only_error(str(error.filename or folder))
    return SetupError(f"Stopped while {doing}: {error}. Run the same command again; `doctor` shows what was found.")
