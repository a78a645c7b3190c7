"""Certificates as cameras make them for themselves, made on the spot with OpenSSL's program."""

import ssl
import subprocess
from pathlib import Path

from tests import needed

__all__ = ["make_certificate", "server_context"]


def make_certificate(folder: Path, names: str = "IP:127.0.0.1") -> tuple[Path, Path]:
    """names: whom it is for, as OpenSSL writes them. Out: the certificate, its own issuer, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [needed.openssl(), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-subj", "/CN=camera", "-addext", f"subjectAltName={names}", "-days", "2"]
        + ["-out", str(certificate), "-keyout", str(key)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return certificate, key


def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context
