"""Access for other machines as a person meets it: the login page, two tabs, the way out; and choosing a camera."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from app.config import AssistantConfig
from app.perceiving import PerceiveConfig
from app.web.access_token import AccessToken
from tests.browser.serving import PageServer
from tests.browser.tab import Tab

TOKEN = "correct-horse-battery-staple-0123456789"
ACCESS = AccessToken(text=TOKEN, path=Path("token"))
StartServer = Callable[..., PageServer]


def test_the_token_is_asked_for_once_and_is_in_no_address(start_server: StartServer, browser: Browser) -> None:
    server = start_server(token=ACCESS)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url)
        expect(page.get_by_label("Token")).to_be_focused()
        page.get_by_label("Token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("This is not the token of this Afterglow.")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Log in").click()
        page.locator("[data-part=body]:not([inert])").wait_for()
        assert TOKEN not in page.url + page.content()
        (cookie,) = context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and TOKEN not in cookie["value"]
        other = Tab(context.new_page(), server.url)  # the login is the browser's
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()
        expect(other.page.get_by_label("Token")).to_be_visible()  # it lost its connection, and found out why
        page.goto(server.url)
        expect(page.get_by_label("Token")).to_be_visible()


def test_a_link_with_the_token_logs_in(start_server: StartServer, browser: Browser) -> None:
    server = start_server(token=ACCESS)
    with browser.new_context() as context:
        tab = Tab(context.new_page(), f"{server.url}/?token={TOKEN}")
        assert TOKEN not in tab.page.url
        assert TOKEN not in str(tab.page.evaluate("performance.getEntriesByType('resource').map(one => one.name)"))
        expect(tab.part("logout")).to_be_visible()
        tab.check_console()


def test_one_of_several_cameras_is_chosen(start_server: StartServer, browser: Browser, clip: Path) -> None:
    fps = PerceiveConfig(fps=10.0)
    cameras = {name: AssistantConfig(source=str(clip), perceive=fps) for name in ("front", "back")}
    server = start_server(cameras=cameras)
    with browser.new_context() as context:
        tab = Tab(context.new_page(), server.url)
        expect(tab.part("logout")).to_be_hidden()
        expect(tab.page.get_by_label("A camera that Afterglow watches for all")).to_have_value("front")
        tab.page.get_by_label("A camera that Afterglow watches for all").select_option("back")
        tab.part("start").click()
        tab.wait_for_picture()
        expect(tab.part("stop")).to_be_visible()
        tab.check_console()
