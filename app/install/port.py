"""Whether the page's address is free: asked before the long start, not after it. Standard library only."""

import errno
import os
import socket

from app.install.errors import EXIT_BAD_ARGUMENTS, EXIT_PORT_IN_USE, SetupError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860


def page_address(arguments: list[str]) -> tuple[str, int]:
    """Host and port that `serve` was given, or the defaults; SetupError when the port is not a number."""
    host, port_text = DEFAULT_HOST, str(DEFAULT_PORT)
    words = iter(arguments)
    for word in words:
        name, has_value, value = word.partition("=")
        if name not in ("--host", "--port"):
            continue
        value = value if has_value else next(words, "")
        if name == "--host":
            host = value
        else:
            port_text = value
    if not port_text.isdecimal() or int(port_text) > 65535:
        raise SetupError(
            f"--port needs a number from 0 to 65535, for example --port 7861; got {port_text!r}.", EXIT_BAD_ARGUMENTS
        )
    return host, int(port_text)


def require_free_port(host: str, port: int) -> None:
    """SetupError when another program listens on the address or the address is not this machine's."""
    try:
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SetupError(f"--host {host} is not an address of this machine: {error}.", EXIT_BAD_ARGUMENTS) from error
    family, kind, protocol, _, address = candidates[0]
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":
            # As servers do: a port in TIME_WAIT counts as free, one that is listened on does not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise _bind_error(error, host, port) from error


def _bind_error(error: OSError, host: str, port: int) -> SetupError:
    if error.errno == errno.EADDRINUSE or getattr(error, "winerror", None) == 10048:
        return SetupError(
            f"Port {port} of {host} is in use, perhaps by an Afterglow that already runs: open http://{host}:{port} "
            f"in a browser, or start with another port, for example --port {port + 1}.",
            EXIT_PORT_IN_USE,
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return SetupError(
            f"This user may not open port {port}: choose one above 1023, for example --port {DEFAULT_PORT}.",
            EXIT_PORT_IN_USE,
        )
    return SetupError(f"--host {host} is not an address of this machine: {error}.", EXIT_BAD_ARGUMENTS)
