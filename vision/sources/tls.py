"""Whose certificate is accepted where a camera or a web server speaks TLS.

In: the rules of the configuration. Out: a context for our own connections, options for the decoder's, and whether a
host's certificate is what kept it from being opened. Any thread.
"""

import contextlib
import os
import socket
import ssl
from dataclasses import dataclass

from vision.errors import SourceOpenError

__all__ = ["TlsRules", "is_distrusted", "untrusted"]

# Where systems keep the certificates that they trust, for the decoder, which wants one file. Others have no such file.
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, kw_only=True)
class TlsRules:
    """Both the name and the issuer of a certificate are checked, unless `is_checked` is False."""

    is_checked: bool = True
    ca_file: str | None = None
    """Certificates (PEM) that are trusted in place of the system's: a camera's own one, or that of a private issuer."""

    def check(self) -> None:
        """Raises SourceOpenError where the file of certificates cannot be used."""
        with contextlib.suppress(OSError):  # ssl.SSLError is one
            self.context()
            return
        raise SourceOpenError(f"{self.ca_file} holds no certificates (PEM) that can be read.", "untrusted")

    def context(self) -> ssl.SSLContext:
        """Raises OSError where the file cannot be used."""
        if not self.is_checked:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context
        return ssl.create_default_context(cafile=self.ca_file)

    def decoder_options(self, host: str) -> dict[str, str]:
        """host: the name that the certificate has to be for. Without these the decoder accepts any certificate."""
        if not self.is_checked:
            return {"tls_verify": "0"}
        file = self.ca_file or _system_file()
        return {"tls_verify": "1", "verifyhost": host} | ({} if file is None else {"ca_file": file})


def is_distrusted(rules: TlsRules, host: str, ip_address: str, port: int, timeout_s: float) -> bool:
    """Whether the host shows a certificate that is not accepted. To be asked after the decoder failed, which does not
    tell why."""
    if not rules.is_checked:
        return False
    with contextlib.suppress(OSError, ValueError):
        try:
            with socket.create_connection((ip_address, port), timeout=timeout_s) as plain:
                rules.context().wrap_socket(plain, server_hostname=host).close()
        except ssl.SSLCertVerificationError:
            return True
    return False


def untrusted(name: str) -> SourceOpenError:
    return SourceOpenError(
        f"The certificate of {name} is not one that this machine trusts, or is for another name. If the camera is your "
        "own, give its certificate with --ca-file, or as ca_file in the file of cameras.",
        "untrusted",
    )


def _system_file() -> str | None:
    candidates = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_SYSTEM_FILES)
    return next((path for path in candidates if path and os.path.isfile(path)), None)
