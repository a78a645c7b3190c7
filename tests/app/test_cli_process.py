"""`ask` as a process: Ctrl-C and a closed pipe, at the moments that only a real process has."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
END_TIMEOUT_S = 20.0

# A process whose session is made of fakes; MOMENT says where it will wait until it is interrupted.
PROGRAM = """
import sys, threading
from app.cli import main
from app.cli.ending import end_process
from tests.fakes import FakeEncoder, FakeLMM, FakeSource, make_frames, make_session

never, moment = threading.Event(), sys.argv[1]

def say(word):
    sys.stderr.write(word + "\\n")
    sys.stderr.flush()

class Source(FakeSource):
    def open(self):
        if moment == "open":
            say("READY")
            while not never.wait(0.05):
                pass
        super().open()

    def read(self, timeout_s):
        frame = super().read(timeout_s)
        if moment == "play" and frame is not None and self.num_read == 5:
            say("READY")
        return frame

class Encoder(FakeEncoder):
    def __init__(self):
        super().__init__()
        if moment == "load":
            say("READY")
            never.wait(30)

class LMM(FakeLMM):
    def stream(self, question, snapshot, is_cancelled):
        yield "I see "
        if moment == "answer":
            say("READY")
            while not is_cancelled():
                never.wait(0.01)
            return
        yield from super().stream(question, snapshot, is_cancelled)

def session(config):
    from app.session import Session
    from tests.fakes import FakeMemory
    source = Source(make_frames(5), is_live=moment == "play", never_ends=moment == "play")
    return Session(config, source=source, encoder=Encoder, lmm=LMM, memory=lambda encoder: FakeMemory())

end_process(main(sys.argv[2:], make_session=session))
"""


@contextmanager
def running(moment: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, moment, "ask", "--source", "x", "--question", "what?", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=END_TIMEOUT_S)


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is sent")
@pytest.mark.parametrize("moment", ["open", "load", "play", "answer"])
def test_ctrl_c_ends_the_command_with_one_line_and_its_exit_code(moment: str) -> None:
    with running(moment) as process:
        assert process.stderr is not None and process.stdout is not None
        assert process.stderr.readline() == "READY\n"
        if moment == "answer":
            assert process.stdout.read(6) == "I see "
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # an impatient user
        assert process.wait(END_TIMEOUT_S) == 130
        assert process.stderr.read() == "Stopped by Ctrl-C.\n"
        if moment == "answer":
            assert process.stdout.read() == "\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes are closed")
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_closed_pipe_ends_the_command_quietly(words: list[str]) -> None:
    with running("none", *words) as process:
        assert process.stderr is not None and process.stdout is not None
        process.stdout.close()
        assert process.wait(END_TIMEOUT_S) == 141
        assert process.stderr.read() == ""
        process.stdout = None


def test_command_as_a_process_prints_its_answer() -> None:
    with running("none") as process:
        out, err = process.communicate(timeout=END_TIMEOUT_S)
        assert process.returncode == 0
        assert out.splitlines()[0] == "I see I see a cat."
        assert err == ""


def test_wrong_path_is_refused_by_the_real_program_without_loading_a_model() -> None:
    command = [sys.executable, "-m", "app.cli", "ask", "--source", "no/such/clip.mp4", "--question", "what?"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=END_TIMEOUT_S)
    assert done.returncode == 3
    assert done.stdout == "" and "no/such/clip.mp4" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_words_that_are_refused_wait_for_no_library() -> None:
    program = (
        "import sys; from app.cli import main; assert main(['query', '--name', 'front', '--nonsense']) == 2;"
        "heavy = {'numpy', 'torch', 'av', 'faiss', 'yaml', 'dateparser'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=END_TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr


def test_asking_loads_no_page_and_no_model_library_in_the_main_thread() -> None:
    program = (
        "import sys; from app.cli import main; main(['ask', '--source', 'no/such', '--question', 'what?']);"
        "heavy = {'torch', 'gradio', 'transformers', 'cv2', 'fastapi', 'faiss'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=END_TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
