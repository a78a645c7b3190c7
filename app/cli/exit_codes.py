"""What the exit codes mean, and which one an error gets.

Comes in: an exception. Goes out: its exit code and a sentence for the user. No state.
"""

from app.errors import (
    AfterglowError,
    NothingSeenError,
    QuestionError,
    RecordingError,
    SpeechFileError,
    UnknownRecordingError,
    WeightsMissingError,
)

__all__ = [
    "EXIT_BAD_ARGUMENTS",
    "EXIT_BROKEN_PIPE",
    "EXIT_CODES_HELP",
    "EXIT_FAILED",
    "EXIT_INTERRUPTED",
    "EXIT_MODEL_MISSING",
    "EXIT_NOTHING_SEEN",
    "EXIT_NOT_KEPT",
    "EXIT_NOT_OPENED",
    "EXIT_TIMEOUT",
    "exit_code_of",
    "sentence_of",
]

EXIT_FAILED = 1
EXIT_BAD_ARGUMENTS = 2
EXIT_NOT_OPENED = 3
EXIT_NOTHING_SEEN = 4
EXIT_MODEL_MISSING = 5
EXIT_NOT_KEPT = 6
EXIT_TIMEOUT = 7
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

EXIT_CODES_HELP = """\
exit codes:
  0    done; every question was answered
  1    something failed inside; --verbose shows where
  2    bad arguments
  3    the source could not be opened
  4    the source ended before anything was seen, or nothing was recorded then
  5    a model is missing: run python3 launch.py once
  6    a recording cannot be used: somebody records there, it cannot be written, or it is damaged;
       or the file of --speak cannot be written
  7    --timeout was reached
  130  stopped by Ctrl-C
  141  whoever read the output closed it
"""


def exit_code_of(error: Exception) -> int:
    """The exit code that says what kind of error this is."""
    from app.install.errors import SetupError
    from vision.errors import ModelMissingError, SourceOpenError

    codes: tuple[tuple[type[Exception], int], ...] = (
        (QuestionError, EXIT_BAD_ARGUMENTS),
        (UnknownRecordingError, EXIT_BAD_ARGUMENTS),
        (RecordingError, EXIT_NOT_KEPT),
        (SpeechFileError, EXIT_NOT_KEPT),
        (SourceOpenError, EXIT_NOT_OPENED),
        (NothingSeenError, EXIT_NOTHING_SEEN),
        (ModelMissingError, EXIT_MODEL_MISSING),
        (WeightsMissingError, EXIT_MODEL_MISSING),
        (TimeoutError, EXIT_TIMEOUT),
    )
    if isinstance(error, SetupError):
        return error.exit_code
    return next((code for kind, code in codes if isinstance(error, kind)), EXIT_FAILED)


def sentence_of(error: Exception) -> str:
    """One line for the user."""
    from app.install.errors import SetupError
    from vision.errors import VisionError

    text = " ".join(str(error).split())
    if isinstance(error, AfterglowError | VisionError | SetupError | TimeoutError) and text:
        return text
    return f"Something failed inside ({type(error).__name__}: {text}). The option --verbose shows where."
