"""The same question as a request to a running `serve`, for the shell. Pure."""

import json
import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["DEFAULT_URL", "curl_command"]

DEFAULT_URL = "http://127.0.0.1:7860"
_LOCAL = ("127.0.0.1", "localhost", "::1")
_TOKEN = '"Authorization: Bearer $(cat "${AFTERGLOW_TOKEN_FILE:-$HOME/.config/afterglow/token}")"'


def curl_command(url: str, body: Mapping[str, str]) -> str:
    """url: where the page is served. Elsewhere than on this machine the token is needed: it is read from its file when
    the command runs, and is not in the command."""
    words = ["curl", "-N", shlex.quote(f"{url.rstrip('/')}/v1/ask"), "-H", "'content-type: application/json'"]
    if urlsplit(url).hostname not in _LOCAL:
        words += ["-H", _TOKEN]
    return " ".join([*words, "-d", shlex.quote(json.dumps(body, ensure_ascii=False))])
