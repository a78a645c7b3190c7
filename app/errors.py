"""The errors of the running program, as a tree. A message is a sentence for the user: what happened, and what to try.

QuestionError              (also a ValueError) empty, or longer than the limit
SessionStateError          asked before start or after close, started twice
├── SessionClosedError     the session was closed, also for answers that it could no longer finish
NothingSeenError           asked before any frame was remembered
TooManyQuestionsError      the bounded channel of questions stayed full
MomentError                (also a ValueError) a moment cannot be pinned or forgotten as it was asked for
AnswerError                the LMM could not answer this one question; the next may work
WeightsMissingError        the weights of a model are not on this machine
SpeechFileError            the file into which answers are to be spoken cannot be written
ShutdownError              a thread did not end in time
RecordingError             what is kept on disk cannot be read or written as it is
├── RecordingBusyError     a recorder writes there now
└── UnknownRecordingError  (also a ValueError) nothing was recorded under that name
All of them are AfterglowError. Errors of sources, encoders and the memory are theirs: vision.errors, memory.errors.
"""

__all__ = [
    "AfterglowError",
    "AnswerError",
    "MomentError",
    "NothingSeenError",
    "QuestionError",
    "RecordingBusyError",
    "RecordingError",
    "SessionClosedError",
    "SessionStateError",
    "ShutdownError",
    "SpeechFileError",
    "TooManyQuestionsError",
    "UnknownRecordingError",
    "WeightsMissingError",
]


class AfterglowError(Exception):
    """Anything that the running program says to its user."""


class QuestionError(AfterglowError, ValueError):
    """The question was refused before anything was done with it."""


class SessionStateError(AfterglowError):
    """The session is not in a state in which this can be done."""


class SessionClosedError(SessionStateError):
    """The session was closed."""


class NothingSeenError(AfterglowError):
    """There is nothing to answer from yet."""


class TooManyQuestionsError(AfterglowError):
    """Too many questions are waiting."""


class MomentError(AfterglowError, ValueError):
    """A moment cannot be pinned or forgotten as it was asked for."""


class AnswerError(AfterglowError):
    """This one question could not be answered; the session goes on."""


class WeightsMissingError(AfterglowError):
    """The weights of a model are not on this machine."""


class ShutdownError(AfterglowError):
    """A thread did not end within its time."""


class SpeechFileError(AfterglowError):
    """Answers cannot be spoken into that file."""


class RecordingError(AfterglowError):
    """A recording on disk cannot be used as it is."""


class RecordingBusyError(RecordingError):
    """Somebody records there now."""


class UnknownRecordingError(RecordingError, ValueError):
    """There is no such recording."""
