"""All directories that the settings name, each with the secret that is stored for it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from pdm_app.domain.directories import Doors, LdapDirectory, OidcProvider
from pdm_app.domain.ports import Clock


def open_doors(
    providers: Sequence[OidcProvider],
    servers: Sequence[LdapDirectory],
    clock: Clock,
    secret_of: Callable[[str], Awaitable[str | None]],
) -> Doors:
    """Make one door per directory; nothing is asked of any of them yet.

    Raises:
        InvalidInputError: A filter, or the file of an authority, cannot be read.
    """
    doors = Doors(oidc={}, ldap={})
    if providers:  # The clients are loaded where there is something to talk to.
        from pdm_app.directories.oidc import OidcClient

        doors = replace(
            doors, oidc={each.id: OidcClient(each, clock, partial(secret_of, each.id)) for each in providers}
        )
    if servers:
        from pdm_app.directories.ldap import LdapServer

        doors = replace(doors, ldap={each.id: LdapServer(each, clock, partial(secret_of, each.id)) for each in servers})
    return doors
