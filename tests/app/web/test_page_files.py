"""The files of the page: nothing from elsewhere, nothing that turns text into markup, parts that exist."""

import re
from pathlib import Path

import pytest

from app.web.application import PREFIX

STATIC = Path(__file__).resolve().parents[3] / "app" / "web" / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
MARKUP = (STATIC / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_nothing_is_loaded_from_another_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"(src|href|url\(|import|from)\W{1,4}(https?:)?//", text)
    assert "@import" not in text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_never_turn_text_into_markup(path: Path) -> None:
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc")
    assert not [word for word in forbidden if word in path.read_text(encoding="utf-8")]


def test_every_part_that_a_script_asks_for_is_in_the_markup() -> None:
    there = set(re.findall(r'data-part="(\w+)"', MARKUP))
    wanted = {name for path in SCRIPTS for name in re.findall(r'part\("(\w+)"\)', path.read_text(encoding="utf-8"))}
    assert wanted <= there


def test_scripts_import_scripts_that_exist() -> None:
    for path in SCRIPTS:
        for name in re.findall(r'from "\./(\w+\.js)"', path.read_text(encoding="utf-8")):
            assert (STATIC / name).is_file()


def test_the_markup_is_no_template_of_gradio() -> None:
    assert "${" not in MARKUP and "{{" not in MARKUP and "<script" not in MARKUP and "@children" not in MARKUP


def test_everything_that_can_be_used_has_a_name() -> None:
    for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", MARKUP):
        name = re.search(r'name="(\w+)"', field)
        assert name is not None
        if 'type="radio"' not in field:
            assert re.search(rf'<label[^>]*(data-for="{name[1]}"|for="ag-{name[1]}")', MARKUP)


def test_static_files_are_served_fresh(start_server) -> None:  # type: ignore[no-untyped-def]
    client = start_server().client
    answer = client.get(f"{PREFIX}/static/main.js")
    assert answer.status_code == 200 and "javascript" in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "no-cache"
    assert client.get(f"{PREFIX}/static/../serving.py").status_code == 404
    assert client.get(f"{PREFIX}/static/%2e%2e/serving.py").status_code == 400
