"""`query`: asks a recording, while it is being made or afterwards.

Comes in: checked options. Goes out: answers whose times are those of the clock, with their evidence, and the exit code.
The main thread; the answer thread of a StoredSession does the work.
"""

import contextlib
import time
from pathlib import Path
from typing import Any

from app.answer import Answer, AnswerResult
from app.cli.curl import curl_command
from app.cli.output import Output, spoken_line
from app.cli.recording_options import QueryOptions
from app.cli.tape import open_tape
from app.language.lmm import Evidence
from app.recording.folder import RecordingFolder, default_data_folder
from app.recording.stored import StoredRecording, Understood
from app.recording.told import told_fields

__all__ = ["open_recording", "query"]

_POLL_S = 0.1


def query(options: QueryOptions, output: Output) -> int:
    """Returns 0 when all questions are answered; raises what prevented it."""
    if options.prints_curl:
        for question in options.questions:
            body = {"question": question, "source": options.name, "from": options.said_from, "to": options.said_to}
            command = curl_command(options.url, {name: text for name, text in body.items() if text is not None})
            output.result({"type": "curl", "command": command}, command)
        return 0
    from app.recording.stored_session import StoredSession

    end_s = None if options.timeout_s is None else time.monotonic() + options.timeout_s
    recording = open_recording(options.name, options.data)
    with contextlib.closing(recording), open_tape(options.speak_to) as tape:
        # Placed before any weights are read: an impossible time is told at once.
        asked = [recording.understood(one, options.said_from, options.said_to) for one in options.questions]
        with StoredSession(recording) as session:
            for number, understood in enumerate(asked):
                output.question(number, options.questions[number], len(asked))
                if understood.note is not None:
                    output.note(understood.note)
                result = _tell(session.ask(understood.question, understood.spans), number, recording, output, end_s)
                speech = None if tape is None else tape.speak_text(recording.telling().whole(result.text))
                _show(result, options.questions[number], understood, recording, output, speech)
                if options.export is not None:
                    _export(result, recording, options.export, output)
    return 0


def open_recording(name: str, data: Path | None) -> StoredRecording:
    """By its name. Raises what StoredRecording raises."""
    return StoredRecording(RecordingFolder(data or default_data_folder(), name), now_s=time.time)


def _tell(answer: Answer, number: int, recording: StoredRecording, output: Output, end_s: float | None) -> AnswerResult:
    """The pieces as they come, with the clock's times."""
    telling, position = recording.telling(), 0
    while True:
        is_done = answer.is_done  # looked at before the pieces, so that none is missed
        pieces = answer.next_pieces(position, _POLL_S)
        position += len(pieces)
        told = telling.feed("".join(pieces))
        if is_done and not pieces:
            told += telling.finish()
        if told:
            output.piece(number, told)
        if is_done and not pieces:
            return answer.result(0.0)
        if end_s is not None and time.monotonic() > end_s:
            raise TimeoutError("Gave up after --timeout, before the answer was complete.")


def _show(
    result: AnswerResult,
    question: str,
    understood: Understood,
    recording: StoredRecording,
    output: Output,
    speech: dict[str, Any] | None,
) -> None:
    words = recording.words_of
    pictures = {one: recording.picture_of(one) for one in result.evidence}

    def picture_id_of(one: Evidence) -> int | None:
        picture = pictures[one]
        return None if picture is None else picture.frame_id

    fields = told_fields(result, question, understood, recording, recording.folder.name, picture_id_of)
    told = []
    for one in result.evidence:
        start, end = words(one.start_s), words(one.end_s)
        told.append(f"{start if start == end else f'{start} to {end}'} (frame {one.frame_id})")
    if speech is not None:
        fields["speech"] = speech
    newest = f"newest picture {words(result.asked_at_s)}"
    line = f"Seen at {', '.join(told)}; {newest}" if told else f"No single moment to show; {newest}"
    output.result(fields, f"\n{line}" if speech is None else f"\n{line}\n{spoken_line(speech)}")


def _export(result: AnswerResult, recording: StoredRecording, folder: Path, output: Output) -> None:
    from app.recording.exporting import export_moment

    for one in result.evidence:
        picture = recording.picture_of(one)
        middle_s = (one.start_s + one.end_s) / 2
        exported = export_moment(recording, middle_s, folder, None if picture is None else picture.frame_id)
        for path in exported.files:
            output.note(f"Written: {path}")
        if exported.note is not None:
            output.note(exported.note)
