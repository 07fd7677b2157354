"""What the procedures about the protection of connections need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.device_certificates import authority, made
from tests.counterparts.whole_product import OURS, Belongings

LINK_NEEDS: dict[str, Permission | None] = {
    "connections.certificate": Permission.CONNECTIONS_CONFIGURE,
    "connections.put_certificate": Permission.CONNECTIONS_CONFIGURE,
    "connections.remove_certificate": Permission.CONNECTIONS_CONFIGURE,
    "connections.drivers": Permission.CONNECTIONS_CONFIGURE,
    "connections.try_out": Permission.CONNECTIONS_CONFIGURE,
    "trust.list": Permission.TRUST_CONFIGURE,
    "trust.by_fingerprint": Permission.TRUST_CONFIGURE,
    "trust.trust": Permission.TRUST_CONFIGURE,
    "trust.reject": Permission.TRUST_CONFIGURE,
    "trust.add": Permission.TRUST_CONFIGURE,
    "trust.renew_own": Permission.TRUST_CONFIGURE,
    "trust.withdraw": Permission.TRUST_CONFIGURE,
}
CLIENT = made("collector", number=6, hosts=())
PLANT = authority()
TYPED = {"name": "Another PLC", "driver": "modbus", "endpoint": "127.0.0.1:9"}


def link_inputs(own: Belongings) -> dict[str, Any]:
    """Inputs about one certificate that waits, and about one connection."""
    connection, met = {"connection_id": own.connection_id}, {"fingerprint": own.peer}
    return {
        "connections.certificate": connection,
        "connections.put_certificate": {**connection, "certificate": CLIENT.pem, "key": CLIENT.key},
        "connections.remove_certificate": connection,
        "connections.try_out": {"facts": {**TYPED, "site_id": OURS}, **connection},
        "trust.by_fingerprint": met,
        "trust.trust": {**met, "reason": "as its display says"},
        "trust.reject": met,
        "trust.add": {"certificates": PLANT.pem},
        "trust.withdraw": met,
    }


def link_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What somebody tries with somebody else's connection; the trust list belongs to admins, who see every site."""
    connection = {"connection_id": target.connection_id}
    pair = {"certificate": CLIENT.pem, "key": CLIENT.key}
    return {
        ("connections.certificate", "connection_id"): [connection],
        ("connections.put_certificate", "connection_id"): [{**connection, **pair}],
        ("connections.try_out", "connection_id"): [{"facts": {**TYPED, "site_id": OURS}, **connection}],
        ("connections.try_out", "site_id"): [{"facts": {**TYPED, "site_id": site_id}}],
        ("connections.remove_certificate", "connection_id"): [connection],
    }
