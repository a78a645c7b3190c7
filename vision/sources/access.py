"""What may be opened, and for whom: files, devices of this machine, and hosts of the network.

An address that the owner typed at the command line is the owner's own choice. One that came over a page or an API is a
visitor's: it must not make this machine read its own files, show its own screen, or talk to services that only it can
reach. Names are resolved here and the result is checked, so that no spelling of 127.0.0.1 passes. Any thread.
"""

import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Literal

from vision.errors import SourceOpenError

__all__ = [
    "OWNER",
    "SourceAccess",
    "check_camera",
    "check_device",
    "check_file",
    "is_public",
    "permitted_addresses",
]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, kw_only=True)
class SourceAccess:
    """Who asks for a source, and what has been permitted by configuration."""

    trust: Literal["owner", "visitor"] = "visitor"
    folders: tuple[str, ...] = ()
    """A visitor's files must lie in one of these, after links have been followed."""

    hosts: tuple[str, ...] = ()
    """Names or addresses that a visitor may reach whatever they are: "127.0.0.1", "nvr.lan". Cameras that speak RTSP or
    RTMP must be among them: the decoder follows their redirects to any host, and cannot be told not to."""

    is_limited_to_hosts: bool = False
    """True: a visitor may reach nothing but `hosts`, by HTTP neither."""

    has_devices: bool = False
    """True: a visitor may watch the cameras and the screen of this machine."""

    def __post_init__(self) -> None:
        if self.trust not in ("owner", "visitor"):
            raise ValueError(f"trust must be owner or visitor, got {self.trust!r}")


OWNER = SourceAccess(trust="owner")


def check_device(access: SourceAccess, name: str) -> None:
    """Raises SourceOpenError (kind forbidden) for a camera or a screen that this visitor may not watch."""
    if access.trust == "visitor" and not access.has_devices:
        raise _forbidden(f"{name} belongs to the machine that runs Afterglow, and its owner has not permitted its use.")


def check_camera(access: SourceAccess, host: str, name: str) -> None:
    """Raises SourceOpenError (kind forbidden) for a camera of the network that has not been permitted to visitors."""
    if access.trust == "visitor" and not _is_listed(access, host):
        raise _forbidden(
            f"{name} is not among the cameras that may be opened from here. Its owner can permit its host."
        )


def check_file(access: SourceAccess, path: str, name: str) -> str:
    """The path to open. Raises SourceOpenError (kind forbidden) for a file outside of the permitted folders."""
    if access.trust == "owner":
        return path
    try:
        real = os.path.realpath(path)
        folders = [os.path.realpath(folder) for folder in access.folders]
        if any(os.path.commonpath((real, folder)) == folder for folder in folders):
            return real
    except ValueError:  # a NUL in the path, or different drives
        pass
    raise _forbidden(f"{name} is not in a folder whose files may be opened from here.")


def permitted_addresses(access: SourceAccess, host: str, port: int, name: str) -> list[str]:
    """The addresses of `host` that may be connected to, in the resolver's order.

    host: as in the address, without brackets. Raises SourceOpenError: kind refused if there is no such host, kind
    forbidden if this visitor may not reach it.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # UnicodeError is a ValueError
        found = []
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise SourceOpenError(
            f"{name} could not be reached. Check the name of the host and the network.", "refused"
        ) from None
    if access.trust == "owner" or _is_listed(access, host):
        return addresses
    if access.is_limited_to_hosts:
        raise _forbidden(f"{name} is not on a host that may be opened from here.")
    if any(_is_protected(address) for address in addresses):
        raise _forbidden(
            f"{name} is on the machine that runs Afterglow, or on a network of its own: not permitted from here."
        )
    return addresses


def _is_listed(access: SourceAccess, host: str) -> bool:
    return host.lower() in {each.lower() for each in access.hosts}


def is_public(address: str) -> bool:
    """True for an address of the open internet."""
    return all(each.is_global and not each.is_multicast for each in _readings(address))


def _is_protected(address: str) -> bool:
    """Loopback, link-local (where clouds keep their secrets), no host at all, or this machine under another address."""
    return any(
        each.is_loopback or each.is_link_local or each.is_unspecified or each.is_multicast or each.is_reserved
        for each in _readings(address)
    ) or _is_own(address)


def _readings(address: str) -> list[IPAddress]:
    """The address, and the IPv4 address within an IPv6 one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return [parsed]
    inner = parsed.ipv4_mapped or parsed.sixtofour
    if parsed in ipaddress.ip_network("64:ff9b::/96"):
        inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return [inner] if inner is not None else [parsed]


def _is_own(address: str) -> bool:
    """True if this machine answers to the address: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _forbidden(message: str) -> SourceOpenError:
    return SourceOpenError(message, "forbidden")
