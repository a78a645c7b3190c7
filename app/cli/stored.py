"""`list`, `export`, `forget` and `validate`: what is kept on disk, shown, taken out, erased; and files of cameras.

Comes in: checked options. Goes out: results on the Output and the exit code. The main thread; no other is needed.
"""

import contextlib
import time
from dataclasses import asdict
from typing import Any

from app.cli.exit_codes import EXIT_BAD_ARGUMENTS
from app.cli.output import Output
from app.cli.query import open_recording
from app.cli.recording_options import ExportOptions, ForgetOptions, ListOptions, ValidateOptions
from app.recording.clock_log import ClockLog
from app.recording.clock_words import clock_words, iso_time
from app.recording.fingerprint import own_fingerprint
from app.recording.folder import RecordingFolder, default_data_folder, recordings_in
from app.recording.opening import open_reader

__all__ = ["export", "forget", "list_recordings", "validate"]

_GB = 1e9


def list_recordings(options: ListOptions, output: Output) -> int:
    """All of a data folder, or one with its gaps."""
    data = options.data or default_data_folder()
    if options.name is not None:
        folder = RecordingFolder(data, options.name)
        folder.require()
        folders = [folder]
    else:
        folders = recordings_in(data)
    if not folders:
        output.result({"type": "recordings", "recordings": []}, f"There are no recordings in {data}.")
        return 0
    told = [_facts(folder, with_gaps=options.name is not None) for folder in folders]
    output.result({"type": "recordings", "recordings": told}, "\n".join(_line(one) for one in told))
    return 0


def export(options: ExportOptions, output: Output) -> int:
    """A moment, or all pictures of an interval."""
    from app.recording.exporting import export_moment, export_pictures

    with contextlib.closing(open_recording(options.name, options.data)) as recording:
        if options.frame_id is not None:
            frame = recording.reader.get(options.frame_id)
            time_s = recording.last_s if frame is None else frame.time_s
            exported = export_moment(recording, time_s, options.folder, options.frame_id)
        elif options.at is not None:
            exported = export_moment(recording, recording.moment(options.at), options.folder)
        else:
            exported = export_pictures(recording, *recording.span(options.said_from, options.said_to), options.folder)
    if exported.note is not None:
        output.note(exported.note)
    files = [str(path) for path in exported.files]
    output.result({"type": "exported", "files": files, "note": exported.note}, "\n".join(files))
    return 0


def forget(options: ForgetOptions, output: Output) -> int:
    """The recorder must not run: it holds in memory what would be erased on the disk."""
    from app.recording.forgetting import forget as erase

    with contextlib.closing(open_recording(options.name, options.data)) as recording:
        start_s, end_s = recording.span(options.said_from, options.said_to)
        words, clock = recording.words_of, recording.clock
    receipt = erase(recording.folder, start_s, end_s, own_fingerprint())
    fields: dict[str, Any] = {"type": "forgotten", **asdict(receipt)}
    fields |= {"start": iso_time(clock.wall_s(start_s)), "end": iso_time(clock.wall_s(end_s))}
    text = (
        f"Erased from {words(start_s)} to {words(end_s)}: {receipt.num_pictures} pictures, {receipt.num_texts} texts, "
        f"{receipt.num_slots} event slots, {receipt.num_video_files} video files"
    )
    if receipt.video_start_s is not None and receipt.video_end_s is not None:
        reach = f"{words(receipt.video_start_s)} to {words(receipt.video_end_s)}"
        text += f" (whole files, since video is not encoded anew: {reach})"
    output.result(fields, f"{text}. What was exported before is not touched.")
    return 0


def validate(options: ValidateOptions, output: Output) -> int:
    """0: the file can be used. 2: it cannot, and every mistake was told."""
    from app.recording.cameras_file import read_cameras

    found = read_cameras(options.config)
    problems = [{"line": one.line, "message": one.sentence} for one in found.problems]
    fields = {"type": "validated", "cameras": [one.name for one in found.cameras], "problems": problems}
    if not problems:
        names = ", ".join(one.name for one in found.cameras)
        output.result(fields, f"{options.config}: good, {len(found.cameras)} cameras ({names}), kept in {found.data}.")
        return 0
    output.result(fields, "\n".join(f"{options.config}:{one.line}: {one.sentence}" for one in found.problems))
    return EXIT_BAD_ARGUMENTS


def _facts(folder: RecordingFolder, *, with_gaps: bool) -> dict[str, Any]:
    from app.recording.video import video_segments

    clock = ClockLog.load(folder.clock)
    with contextlib.closing(open_reader(folder)) as reader:
        stats = reader.stats()
        events = reader.events() if with_gaps else []
    segments = video_segments(folder.video)
    facts: dict[str, Any] = {
        "name": folder.name,
        "is_recording": folder.is_recording(),
        "first": None if stats.first_s is None else iso_time(clock.wall_s(stats.first_s)),
        "last": None if stats.last_s is None else iso_time(clock.wall_s(stats.last_s)),
        "pictures": stats.num_frames,
        "picture_bytes": stats.num_bytes,
        "video_files": len(segments),
        "video_bytes": sum(segment.num_bytes for segment in segments),
    }
    if with_gaps:
        now_s = time.time()
        facts["events"] = [
            {
                "kind": event.kind,
                "start": iso_time(clock.wall_s(event.start_s)),
                "end": iso_time(clock.wall_s(event.end_s)),
                "words": f"{clock_words(clock.wall_s(event.start_s), now_s)} to "
                f"{clock_words(clock.wall_s(event.end_s), now_s)}",
                "text": event.text,
            }
            for event in events
        ]
    return facts


def _line(facts: dict[str, Any]) -> str:
    state = "recording now" if facts["is_recording"] else "not recording"
    span = "no pictures yet" if facts["first"] is None else f"{facts['first'][:19]} to {facts['last'][:19]}"
    sizes = (
        f"{facts['pictures']} pictures ({facts['picture_bytes'] / _GB:.2f} GB), {facts['video_files']} video files "
        f"({facts['video_bytes'] / _GB:.2f} GB)"
    )
    lines = [f"{facts['name']}: {state}, {span}, {sizes}"]
    lines += [f"  {one['words']}: {one['kind']} {one['text']}".rstrip() for one in facts.get("events", [])]
    return "\n".join(lines)
