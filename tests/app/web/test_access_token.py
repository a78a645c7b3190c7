import os
import stat
from pathlib import Path

import pytest

from app.install.errors import EXIT_BAD_ARGUMENTS, SetupError
from app.web.access_token import AccessToken, default_token_file, open_token


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_is_made_once_and_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "afterglow" / "token"
    made = open_token(path)
    assert made.is_new and len(made.text) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = open_token(path)
    assert (again.text, again.is_new) == (made.text, False)
    assert [one.name for one in path.parent.iterdir()] == ["token"]


def test_a_new_token_ends_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "token"
    before = open_token(path)
    after = open_token(path, is_renewed=True)
    assert after.is_new and not before.matches(after.text)
    assert open_token(path).text == after.text and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_of_ones_own_may_lie_there(tmp_path: Path) -> None:
    assert (
        open_token(write(tmp_path / "token", "correct-horse-battery-staple\n")).text == "correct-horse-battery-staple"
    )


@pytest.mark.parametrize(
    "text", ["", "\n", "short", "two words of a longer token", "a" * 600, "tokän" * 10, "a\0" * 20]
)
def test_what_is_no_token_gets_a_sentence_without_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(SetupError, match="must hold one token") as refused:
        open_token(write(tmp_path / "token", text))
    assert refused.value.exit_code == EXIT_BAD_ARGUMENTS and (not text.strip() or text not in str(refused.value))


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_token_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "token", "a" * 40, mode)
    with pytest.raises(SetupError, match="chmod 600") as refused:
        open_token(path)
    assert "a" * 40 not in str(refused.value)
    assert open_token(path, is_renewed=True).is_new  # which is the way out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_used_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "token", tmp_path):
        with pytest.raises(SetupError):
            open_token(path)


def test_the_token_is_in_no_repr(tmp_path: Path) -> None:
    token = open_token(tmp_path / "token")
    assert token.text not in repr(token) + str(token)


@pytest.mark.parametrize(
    ("given", "is_it"),
    [
        ("a" * 40, True),
        ("a" * 39, False),
        ("a" * 41, False),
        ("", False),
        ("A" * 40, False),
        ("a" * 39 + "\udcff", False),
    ],
)
def test_only_the_whole_token_matches(given: str, is_it: bool) -> None:
    assert AccessToken(text="a" * 40, path=Path()).matches(given) is is_it


def test_the_usual_place_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("AFTERGLOW_TOKEN_FILE", raising=False)
    assert default_token_file() == tmp_path / "afterglow" / "token"
    monkeypatch.setenv("AFTERGLOW_TOKEN_FILE", str(tmp_path / "other"))
    assert default_token_file() == tmp_path / "other"
