"""What programs ask of the past: recordings, cameras that are kept, intervals, clips; and `query --print-curl`."""

import io
import json
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from app.capturing import CaptureConfig
from app.cli import main
from app.config import AssistantConfig
from app.language.lmm import Evidence
from app.perceiving import PerceiveConfig
from app.recording.folder import RecordingFolder
from app.web.guard import Guard
from app.web.recordings import MAX_CLIP_S
from tests.app.recording.parts import GridEncoder, frames_at, keep_config, record
from tests.app.recording.test_stored import _record_video as record_video
from tests.app.web.conftest import Server
from tests.app.web.test_api import events
from tests.app.web.test_attacks import Site
from tests.fakes import FakeLMM, FakeSource
from vision.sources import SourceConfig

StartServer = Callable[..., Server]
START_S = float(int(time.time()) - 3600)
EVIDENCE = (Evidence(start_s=12.0, end_s=14.0, frame_id=12),)


def lmm() -> FakeLMM:
    return FakeLMM(["I saw it at 0:", "12."], evidence=EVIDENCE)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of "front", with video, an hour ago."""
    data = tmp_path_factory.mktemp("data")
    keep = keep_config(data)
    record(keep, frames_at(START_S, 60))
    record_video(keep.folder.video)
    return data


@pytest.fixture
def server(start_server: StartServer, data: Path) -> Server:
    return start_server(make_lmm=lmm, data=data)


def clock(time_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(START_S + time_s))


def iso(time_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(START_S + time_s))


def ask(server: Server, **body: Any) -> Any:
    return server.client.post("/v1/ask", json={"question": "Was it there?", **body})


# Recordings


def test_a_recording_is_asked_by_name_and_answers_by_the_clock(server: Server) -> None:
    *pieces, answer = events(ask(server, source="front").text)
    assert answer["answer"].startswith("I saw it at ") and answer["answer"].endswith(f"{clock(12)}.")
    assert answer["answer"] == "".join(piece["text"] for piece in pieces)
    assert (answer["name"], answer["understood"]) == ("front", "Was it there?")
    (evidence,) = answer["evidence"]
    assert (evidence["frame_id"], evidence["picture_id"]) == (12, 12)
    assert evidence["start"].startswith(iso(12)) and answer["newest"].startswith(iso(59))
    picture = server.client.get("/v1/frames/12", params={"source": "front"})
    assert picture.status_code == 200 and picture.content.startswith(b"\xff\xd8")


@pytest.mark.parametrize("words", [clock, iso])
def test_an_interval_is_named_by_the_clock_or_in_iso(server: Server, words: Callable[[float], str]) -> None:
    answer = events(ask(server, source="front", **{"from": words(10), "to": words(20)}).text)[-1]
    assert answer["understood"] == "Was it there between 0:10 and 0:20?"
    answer = events(ask(server, source="front", question=f"Was it there since {clock(10)}?").text)[-1]
    assert answer["understood"] == "Was it there between 0:10 and 0:59?"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"from": "25:61"}, 422, "25:61"),
        ({"from": "the day the music died"}, 422, "day the music"),
        ({"from": "{20}", "to": "{10}"}, 422, "from ("),
        ({"from": "tomorrow"}, 422, "tomorrow"),
        ({"from": "yesterday at 9", "to": "yesterday at 10"}, 409, "Nothing was recorded then"),
        ({"question": "Was it there at {10}?", "from": "{5}"}, 422, "in the question or with from and to"),
        ({"question": "What was there before you started?"}, 422, "Nothing is known of the time before"),
        ({"from": ""}, 422, "from"),
        ({"from": "x" * 300}, 422, "from"),
        ({"to": 7}, 422, "to"),
        ({"question": "a" * 5000}, 422, "5,000"),
        ({"source": "attic"}, 404, "Recordings: front"),
        ({"source": "../front"}, 404, "No camera"),
        ({"source": "FRONT"}, 404, "No camera"),
        ({"source": "front\u0000"}, 404, "No camera"),
        ({"source": "f" * 65}, 422, "source"),
        ({"source": None}, 404, "Recordings: front"),
    ],
)
def test_what_cannot_be_asked_gets_a_sentence(server: Server, body: dict[str, Any], status: int, said: str) -> None:
    def placed(text: Any) -> Any:
        for second in (5, 10, 20):
            text = text.replace(f"{{{second}}}", clock(second)) if isinstance(text, str) else text
        return text

    reply = ask(server, **{"source": "front", **{name: placed(text) for name, text in body.items()}})
    assert reply.status_code == status, reply.text
    assert said in reply.json()["message"] and "--from" not in reply.text


def test_a_recording_that_is_broken_gets_a_sentence(start_server: StartServer, tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "front")
    folder.make()
    folder.clock.write_text("{}")
    server = start_server(data=tmp_path)
    for reply in (ask(server, source="front"), server.client.get("/v1/clips", params={"source": "front"})):
        assert reply.status_code == 503 and "clock.json" in reply.json()["message"]


def test_a_failed_answer_about_a_recording_ends_with_its_reason(start_server: StartServer, data: Path) -> None:
    server = start_server(make_lmm=lambda: FakeLMM(["I ", RuntimeError("broken")]), data=data)
    *_, last = events(ask(server, source="front").text)
    assert last["type"] == "error" and "broken" not in last["message"]


def test_only_so_many_recordings_are_read_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.api._MAX_DISK_READERS", 0)
    replies = [
        ask(server, source="front"),
        server.client.get("/v1/clips", params={"source": "front"}),
        server.client.get("/v1/frames/12", params={"source": "front"}),
    ]
    assert {reply.status_code for reply in replies} == {429}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in replies)


def test_one_address_may_ask_so_often_and_no_more(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [ask(server, source="attic") for _ in range(31)]
    assert [reply.status_code for reply in replies] == [404] * 30 + [429]
    assert int(replies[-1].headers["retry-after"]) > 0 and "30 questions" in replies[-1].json()["message"]


# Clips


def clip(server: Server, **params: Any) -> Any:
    return server.client.get("/v1/clips", params={"source": "front", **params})


def greys(content: bytes) -> list[int]:
    with av.open(io.BytesIO(content)) as container:
        return [int(frame.to_ndarray(format="gray")[0, 0]) for frame in container.decode(video=0)]


def test_the_spans_of_video_are_listed(server: Server) -> None:
    told = clip(server).json()
    assert told["source"] == "front"
    (span,) = told["spans"]
    assert span["start"].startswith(iso(0)) and 58.0 < span["end_s"] < 61.0 and span["bytes"] > 1000


@pytest.mark.parametrize(
    ("params", "first_s", "last_s"),
    [
        ({"at": "{30}"}, 24, 35),
        ({"frame": 30}, 24, 35),
        ({"from": "{10}", "to": "{20}"}, 10, 20),
        ({"at": "{2}"}, 0, 7),
    ],
)
def test_a_clip_shows_the_moment(server: Server, params: dict[str, Any], first_s: int, last_s: int) -> None:
    def placed(text: Any) -> Any:
        return text if isinstance(text, int) else iso(float(text.strip("{}")))

    reply = clip(server, **{name: placed(text) for name, text in params.items()})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "video/mp4" and "front-" in reply.headers["content-disposition"]
    assert reply.headers["x-clip-start"] <= iso(first_s + 1.0) and reply.headers["x-clip-end"] >= iso(last_s - 1.0)
    seconds = [grey / 2 for grey in greys(reply.content)]  # the grey of a picture tells its second
    assert seconds == sorted(seconds) and abs(seconds[0] - first_s) < 3.0 and abs(seconds[-1] - last_s) < 2.0


def test_a_part_of_a_clip_may_be_asked_for_and_no_file_is_left(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    reply = server.client.get("/v1/clips", params={"source": "front", "at": iso(30)}, headers={"range": "bytes=0-99"})
    assert reply.status_code == 206 and len(reply.content) == 100
    assert clip(server, at=iso(30)).status_code == 200 and clip(server, at="noon yesterday").status_code == 404
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("params", "status", "said"),
    [
        ({"at": "25:61"}, 422, "25:61"),
        ({"at": "yesterday at 9"}, 404, "Nothing was recorded then"),
        ({"at": "{10}", "frame": "12"}, 422, "one moment"),
        ({"at": "{10}", "from": "{5}"}, 422, "one moment"),
        ({"frame": "999"}, 404, "frame 999"),
        ({"frame": "-1"}, 422, "frame"),
        ({"frame": "1e3"}, 422, "frame"),
        ({"frame": str(2**70)}, 422, "frame"),
        ({"at": ""}, 422, "at"),
        ({"at": "x" * 300}, 422, "at"),
        ({"source": "attic"}, 404, "Recordings: front"),
        ({"source": "../front", "at": "{10}"}, 404, "No camera"),
        ({"source": "front/../../etc"}, 404, "No camera"),
    ],
)
def test_a_clip_that_cannot_be_gets_a_sentence(server: Server, params: dict[str, str], status: int, said: str) -> None:
    placed = {name: text.replace("{10}", clock(10)).replace("{5}", clock(5)) for name, text in params.items()}
    reply = clip(server, **placed)
    assert reply.status_code == status, reply.text
    assert reply.json()["type"] == "error" and said in reply.json()["message"]


def test_a_clip_has_an_end(start_server: StartServer, tmp_path: Path) -> None:
    record(keep_config(tmp_path), frames_at(START_S, int(MAX_CLIP_S) + 10))
    reply = clip(start_server(data=tmp_path), **{"from": iso(0)})
    assert reply.status_code == 422 and "120 s" in reply.json()["message"]


def test_a_moment_without_video_is_not_found(start_server: StartServer, tmp_path: Path) -> None:
    record(keep_config(tmp_path), frames_at(START_S, 30))
    server = start_server(data=tmp_path)
    assert clip(server).json()["spans"] == []
    reply = clip(server, at=iso(10))
    assert reply.status_code == 404 and "No video" in reply.json()["message"]


@pytest.mark.parametrize("frame", ["-1", "x", "1.5", str(2**70), "0x10", "999"])
def test_a_picture_that_is_none_gets_a_sentence(server: Server, frame: str) -> None:
    reply = server.client.get(f"/v1/frames/{frame}", params={"source": "front"})
    assert reply.status_code in (404, 422) and reply.json()["message"]


# Cameras that are watched now


def endless() -> FakeSource:
    """Half a minute, the newest picture of now."""
    return FakeSource(frames_at(time.time() - 30.0, 30), never_ends=True)


def watched(start_server: StartServer, data: Path, keep: bool) -> Server:
    config = AssistantConfig(
        source="clip",
        capture=CaptureConfig(reading=SourceConfig(speed="max")),  # none is lost
        perceive=PerceiveConfig(fps=10.0),
        keep=keep_config(data, name="door") if keep else None,
    )
    server = start_server(
        {"clip": endless},
        make_lmm=lambda: FakeLMM(["At 0:", "05."], evidence=(Evidence(start_s=5.0, end_s=6.0, frame_id=5),)),
        make_encoder=GridEncoder,
        cameras={"door": config},
        data=data,
    )
    for _ in range(500):
        status = server.client.get("/v1/status").json()["cameras"]["door"]
        if status["frames"]["encoded"] == 30:
            break
        time.sleep(0.02)
    return server


@pytest.mark.parametrize("keep", [True, False])
def test_a_camera_answers_about_an_interval_of_the_clock(start_server: StartServer, tmp_path: Path, keep: bool) -> None:
    server = watched(start_server, tmp_path, keep)
    reply = ask(server, **{"from": "20 seconds ago", "to": "5 seconds ago"})
    assert reply.status_code == 200, reply.text
    answer = events(reply.text)[-1]
    assert answer["type"] == "answer", answer
    assert answer["name"] == "door" and answer["understood"].startswith("Was it there between 0:")
    assert "At 0:05" not in answer["answer"] and answer["evidence"][0]["start"].count("T") == 1
    late = ask(server, **{"from": "yesterday at 9", "to": "yesterday at 10"})
    assert late.status_code == 409 and "Nothing was recorded then" in late.json()["message"]


def test_what_is_long_ago_is_asked_of_the_disk(
    start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.asking._SAVED_S", 5.0)
    server = watched(start_server, tmp_path, keep=True)
    asked: list[str] = []
    question = server.recordings.question
    monkeypatch.setattr(server.recordings, "question", lambda name, *rest: asked.append(name) or question(name, *rest))
    assert server.hub.cameras is not None
    session = server.hub.cameras.find("door").session
    session._keeper.save()  # type: ignore[union-attr]  # as it does every minute; no frame comes any more
    early = events(ask(server, **{"from": "28 seconds ago", "to": "24 seconds ago"}).text)[-1]
    assert asked == ["door"] and early["type"] == "answer" and early["name"] == "door", early
    late = events(ask(server, **{"from": "28 seconds ago", "to": "now"}).text)[-1]
    assert asked == ["door"] and late["type"] == "answer"


def test_without_an_interval_times_of_the_clock_are_told_of_a_kept_camera_alone(
    start_server: StartServer, tmp_path: Path
) -> None:
    plain = events(ask(watched(start_server, tmp_path, keep=False)).text)[-1]
    assert plain["answer"] == "At 0:05." and "understood" not in plain
    kept = events(ask(watched(start_server, tmp_path, keep=True)).text)[-1]
    assert kept["understood"] == "Was it there?" and "0:05." not in kept["answer"].replace("00:05", "")


def test_the_status_of_a_kept_camera_is_whole(start_server: StartServer, tmp_path: Path) -> None:
    server = watched(start_server, tmp_path, keep=True)
    ask(server)
    told = server.client.get("/v1/status").json()
    door = told["cameras"]["door"]
    assert door["keeping"]["problem"] is None and door["memory"]["tiers"]["spatial"]["entries"] > 0
    assert set(door["memory"]["tiers"]) >= {"spatial", "temporal", "abstract"}
    assert told["machine"]["memory_bytes"] > 1e6 and told["recordings"] == ["door"]
    metrics = server.client.get("/metrics").text
    for line in (
        'afterglow_up{camera="door"} 1.0',
        'afterglow_tier_entries{camera="door",tier="spatial"}',
        'afterglow_kept_pictures{camera="door"}',
        'afterglow_frame_age_seconds{camera="door"}',
        'afterglow_first_token_milliseconds{camera="door"}',
        "afterglow_process_memory_bytes",
    ):
        assert line in metrics


def test_nothing_is_kept_of_a_camera_that_is_only_watched(start_server: StartServer, data: Path) -> None:
    server = start_server({"clip": endless}, cameras={"front": AssistantConfig(source="clip")}, data=data)
    reply = clip(server, at=iso(10))  # though there is a recording of that name from before
    assert reply.status_code == 404 and "--keep" in reply.json()["message"]


# The same request, printed by `query`


@pytest.mark.parametrize(
    "words",
    [
        [], ["--from", "{10}", "--to", "{20}"], ["--from", "{5}"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("question", ["Was it there?", 'Wasn\'t "it" there, $HOME `id` \\ é?'])
def test_a_printed_request_is_accepted(
    start_server: StartServer, data: Path, capsys: pytest.CaptureFixture[str], words: list[str], question: str
) -> None:
    guard: Any = start_server(make_lmm=lmm, data=data).client.app
    assert isinstance(guard, Guard)
    with Site(guard) as site:
        placed = [iso(float(word.strip("{}"))) if word.startswith("{") else word for word in words]
        options = ["--name", "front", "--url", f"http://{site.host}", "--print-curl"]
        assert main(["query", *options, "--question", question, *placed]) == 0
        command = capsys.readouterr().out.strip()
        ran = subprocess.run(["sh", "-c", f"{command} -s --fail-with-body"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answer = events(ran.stdout)[-1]
    assert answer["type"] == "answer" and answer["question"] == question


def test_a_printed_request_to_another_machine_reads_the_token_and_does_not_hold_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("correct-horse-battery-staple\n")
    monkeypatch.setenv("AFTERGLOW_TOKEN_FILE", str(tmp_path / "token"))
    assert (
        main(
            [
                "query",
                "--name",
                "front",
                "--question",
                "Who?",
                "--print-curl",
                "--url",
                "http://nvr.lan:7860/",
                "--json",
            ]
        )
        == 0
    )
    command = json.loads(capsys.readouterr().out)["command"]
    assert "correct-horse" not in command and "http://nvr.lan:7860/v1/ask" in command
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True).stdout
    assert "Authorization: Bearer correct-horse-battery-staple" in words
    assert shlex.split(command)[0] == "curl"
