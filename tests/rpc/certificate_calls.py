"""What the procedures about certificates need, and calls of them that make sense."""

from functools import cache
from typing import Any

from pdm_app.domain.access import Permission
from pdm_app.services.certificate_files import read_certificates
from tests.counterparts.certificates import brought
from tests.counterparts.clocks import WallClock

CERTIFICATE_NEEDS: dict[str, Permission | None] = {
    "certificates.state": Permission.SYSTEM_CONFIGURE,
    "certificates.replace": Permission.SYSTEM_CONFIGURE,
    "certificates.renew": Permission.SYSTEM_CONFIGURE,
    "certificates.restore_own": Permission.SYSTEM_CONFIGURE,
    "certificates.use_again": Permission.SYSTEM_CONFIGURE,
    "certificates.forget": Permission.SYSTEM_CONFIGURE,
    "certificates.request": Permission.SYSTEM_CONFIGURE,
    "certificates.withdraw_request": Permission.SYSTEM_CONFIGURE,
    "certificates.obtain": Permission.SYSTEM_CONFIGURE,
    "expiries.list": Permission.SYSTEM_READ,
}


def certificate_inputs() -> dict[str, Any]:
    """Inputs about one certificate of another authority."""
    certificate, key, fingerprint = _brought()
    return {
        "certificates.replace": {"certificate": certificate, "key": key},
        "certificates.renew": {"names": ["scada.example"]},
        "certificates.use_again": {"fingerprint": fingerprint},
        "certificates.forget": {"fingerprint": fingerprint},
        "certificates.request": {"names": ["scada.example"], "country": "AT"},
    }


@cache
def _brought() -> tuple[str, str, str]:
    certificate, key = brought(WallClock())
    return certificate, key, read_certificates(certificate)[0].fingerprint
