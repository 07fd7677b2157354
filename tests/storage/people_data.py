"""How the people of a stored plant sign in: one of everything at one site."""

from pdm_app.domain.credentials import ApiKey, CredentialRow, LinkRow, Preferences
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros

NOON = Micros(1_800_000_000_000_000)


def credential(name: str) -> CredentialRow:
    return CredentialRow(f"user-{name}", must_change=True, password_at=NOON, totp_at=NOON, totp_step=7)


def link(name: str) -> LinkRow:
    return LinkRow(f"token-{name}", f"user-{name}", "invite", NOON, "ada", Micros(NOON + 1))


def api_key(name: str) -> ApiKey:
    return ApiKey(
        id=f"api-key-{name}", user_id=f"user-{name}", name=f"MES of {name}", hint="pds_abc123", created_at=NOON,
        created_by="ada",
    )  # fmt: skip


async def put_people(work: Work, name: str) -> None:
    """Store it all in the caller's transaction."""
    await work.credentials.put(credential(name))
    await work.credentials.put_recovery(f"user-{name}", [f"code-{name}", f"other-{name}"])
    await work.credentials.put_link(link(name))
    await work.credentials.put_preferences(f"user-{name}", Preferences(theme="dark", home=f"/plant/{name}"))
    await work.api_keys.add(api_key(name), f"key-hash-{name}")


async def all_of_people(work: Work, name: str) -> list[object]:
    """Everything that is stored of it."""
    found: list[object] = [await work.credentials.all(), await work.credentials.links(), await work.api_keys.all()]
    found += [await work.credentials.count_recovery(f"user-{name}"), await work.users.seen()]
    return [*found, await work.credentials.preferences(f"user-{name}")]
