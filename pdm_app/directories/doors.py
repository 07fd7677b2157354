"""All directories that the settings name, each with the secret that is stored for it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from pdm_app.directories.ldap import LdapServer
from pdm_app.directories.oidc import OidcClient
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
    return Doors(
        oidc={each.id: OidcClient(each, clock, partial(secret_of, each.id)) for each in providers},
        ldap={each.id: LdapServer(each, clock, partial(secret_of, each.id)) for each in servers},
    )
