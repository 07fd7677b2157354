"""Directories of tests over services: doors, and the accounts behind them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pdm_app.directories.doors import open_doors
from pdm_app.domain.directories import Doors, LdapDirectory, OidcProvider
from pdm_app.domain.ports import Clock
from tests.counterparts.slapd import GROUPS, PEOPLE, READER, READER_PASSWORD, Slapd

RULES = (
    {"group": "Engineers", "role": "engineer", "site_ids": ["pune"]},
    {"group": "Staff", "role": "operator", "site_ids": ["pune", "nowhere"]},
)


def ldap_directory(slapd: Slapd, **more: Any) -> LdapDirectory:
    given = {
        "id": "plant",
        "name": "Plant directory",
        "url": slapd.url,
        "ca_file": slapd.ca_file,
        "bind_dn": READER,
        "base_dn": PEOPLE,
        "group_base_dn": GROUPS,
        "timeout_s": 20,
        "rules": RULES,
    }
    return LdapDirectory.model_validate({**given, **more})


def oidc_directory(issuer: str, client_id: str, ca_file: Path | None = None, **more: Any) -> OidcProvider:
    given = {
        "id": "corp",
        "name": "Corporate",
        "issuer": issuer,
        "client_id": client_id,
        "ca_file": ca_file,
        "timeout_s": 30,
        "rules": RULES,
    }
    return OidcProvider.model_validate({**given, **more})


def doors_to(clock: Clock, *directories: OidcProvider | LdapDirectory, secret: str | None = READER_PASSWORD) -> Doors:
    """Doors that all have the same secret."""

    async def read(_directory_id: str) -> str | None:
        return secret

    providers: Sequence[OidcProvider] = [each for each in directories if isinstance(each, OidcProvider)]
    servers: Sequence[LdapDirectory] = [each for each in directories if isinstance(each, LdapDirectory)]
    return open_doors(providers, servers, clock, read)
