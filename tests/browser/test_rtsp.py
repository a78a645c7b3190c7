"""A real RTSP camera on the real page: the first question, a camera that dies, and one that comes back."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import expect

from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.perceiving import PerceiveConfig
from tests.browser.parts import CitingLMM
from tests.browser.serving import PageServer
from tests.browser.tab import Tab, pixels_of
from tests.gstreamer import GstreamerCamera, GstreamerServer, free_port
from tests.numbered import number_of
from vision.sources import ConnectionConfig, SourceConfig

StartServer = Callable[..., PageServer]
OpenTab = Callable[..., Tab]
QUICK = ConnectionConfig(stall_after_s=1.0, first_delay_s=0.1, max_delay_s=0.3)


def test_a_camera_of_the_network_is_watched_lost_and_found_again(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    config = AssistantConfig(
        perceive=PerceiveConfig(fps=10.0), capture=CaptureConfig(reading=replace(SourceConfig(), connection=QUICK))
    )
    with GstreamerServer(tmp_path, free_port(), {"/camera": GstreamerCamera(num_pictures=200)}) as camera:
        tab = open_tab(start_server(CitingLMM, config=config))
        tab.watch_address(camera.url("/camera"))
        thumbnail = tab.ask("Which one?").locator(".ag-evidence img")
        expect(thumbnail).to_have_js_property("complete", True)
        assert 0 <= number_of(pixels_of(thumbnail)) < 200
        expect(tab.part("badge")).to_have_text("Live")
        camera.send(signal.SIGSTOP)
        expect(tab.part("sentence")).to_contain_text("No picture has come for")
        camera.kill()
        expect(tab.part("sentence")).to_contain_text("127.0.0.1")
        camera.start()
        tab.wait_for_picture()
        expect(tab.part("badge")).to_have_text("Live")
        expect(tab.part("sentence")).to_have_text("")
        shown = number_of(pixels_of(tab.part("picture")))
        tab.wait_for_number(tab.part("picture"), lambda number: number != shown)
