"""Whom we believe to be a directory: the authorities of this machine, or the one that the settings name."""

import ssl
from pathlib import Path


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that checks certificate and host name.

    Raises:
        OSError: The file cannot be read.
        ssl.SSLError: It holds no certificate.
    """
    tls = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    return tls
