"""The text of `python3 launch.py --help`."""

USAGE = """\
Afterglow watches a camera, a stream or a video file, remembers it, and answers questions about it.

  python3 launch.py                      the page, on http://127.0.0.1:7860
  python3 launch.py ask ...              answer questions about a source, without a page
  python3 launch.py record ...           watch cameras and keep what they show, without a page
  python3 launch.py query ...            ask what was recorded; also list, export, forget, validate
  python3 launch.py say TEXT --out FILE  speak a text into a WAV file
  python3 launch.py record ...           record cameras: memory, pictures and video, to be asked later
  python3 launch.py query ...            ask a recording, also while it is being made
  python3 launch.py list | export | forget | validate      what was recorded; a file of cameras, checked
  python3 launch.py doctor [--json]      what was found on this machine, what will be used, what is missing
  python3 launch.py test [PYTEST ARGS]   the whole test suite, with its tools
  python3 launch.py --version | --help

The first start installs everything into .venv beside this file and fetches the models once; later ones need no network.

Examples
  python3 launch.py --source webcam:0 --port 7861
  python3 launch.py ask --source assets/demo/photo_walk.mp4 --question "When did you see the cat?"
  python3 launch.py ask --source rtsp://camera.local/stream --at 60 --question "Is anyone there?" --json
  python3 launch.py record --source rtsp://camera.local/stream --name front
  python3 launch.py query --name front --question "Did anyone come in between 2 and 3?"
  python3 launch.py test tests/memory -k ledger

The page (command "serve", which may be left out)
  --source SPEC        a file, webcam:0, rtsp://..., http://...; several with a --name each
  --config FILE        the cameras of a file, kept on the disk as `record` does
  --host HOST          address to listen on (127.0.0.1); others than this machine need the token (docs/API.md)
  --port PORT          port to listen on (7860)
  --no-browser         do not open a browser
  --window             a window of its own (Chromium, Chrome, Edge, or pywebview in .venv)

All options of a command: python3 launch.py ask --help

Set-up
  --torch-index URL    package index with another build of torch, for example without CUDA libraries
                       (environment: AFTERGLOW_TORCH_INDEX)
  AFTERGLOW_HOME       folder of the fetched models (default: ~/.cache/afterglow)
  AFTERGLOW_DATA       folder of recordings (default: ~/.local/share/afterglow/recordings)
  AFTERGLOW_KEEP_DOWNLOADS=1   keep the downloaded archives of the models

Exit codes
  0   done                                      1   something failed inside
  2   bad arguments                             3   the source could not be opened
  4   the source ended before anything was seen 5   a model is missing
  6   a recording or a file cannot be used      7   the time-out was reached
  10  unsuitable Python                         11  packages could not be fetched
  12  the disk is full                          13  a download was damaged
  14  the port is in use                        15  a folder cannot be written
  16  the set-up failed otherwise               130 stopped by Ctrl-C
"""
