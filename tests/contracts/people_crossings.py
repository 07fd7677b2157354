"""What somebody limited to one site tries with how the people of another one sign in."""

from collections.abc import Awaitable, Callable

from pdm_app.domain.credentials import Preferences
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from tests.storage import people_data

LINZ, AT = "user-linz", Micros(people_data.NOON + 5)


async def _what_is_known(work: Work) -> bool:
    row = await work.credentials.of(LINZ)
    return row.must_change or row.password_at > 0 or row.has_mfa


async def _what_is_preferred(work: Work) -> bool:
    return await work.credentials.preferences(LINZ) != Preferences()


READS: dict[str, Callable[[Work], Awaitable[object]]] = {
    "users.seen": lambda w: w.users.seen(),
    "users.note_activity": lambda w: w.users.note_activity("session-linz-1", AT),
    "users.forget_password": lambda w: w.users.forget_password(LINZ),
    "credentials.of": _what_is_known,
    "credentials.all": lambda w: w.credentials.all(),
    "credentials.take_step": lambda w: w.credentials.take_step(LINZ, 99),
    "credentials.take_recovery": lambda w: w.credentials.take_recovery(LINZ, "code-linz"),
    "credentials.count_recovery": lambda w: w.credentials.count_recovery(LINZ),
    "credentials.link": lambda w: w.credentials.link("token-linz"),
    "credentials.links": lambda w: w.credentials.links(),
    "credentials.take_link": lambda w: w.credentials.take_link("token-linz"),
    "credentials.preferences": _what_is_preferred,
    "api_keys.all": lambda w: w.api_keys.all(),
    "api_keys.by_hash": lambda w: w.api_keys.by_hash("key-hash-linz"),
    "api_keys.used": lambda w: w.api_keys.used("api-key-linz", AT),
}
WRITES: dict[str, Callable[[Work], Awaitable[object]]] = {
    "credentials.put": lambda w: w.credentials.put(people_data.credential("linz")),
    "credentials.put_recovery": lambda w: w.credentials.put_recovery(LINZ, ["mine"]),
    "credentials.put_link": lambda w: w.credentials.put_link(people_data.link("linz")),
    "credentials.forget_links": lambda w: w.credentials.forget_links(LINZ),
    "credentials.put_preferences": lambda w: w.credentials.put_preferences(LINZ, Preferences()),
    "credentials.forget": lambda w: w.credentials.forget(LINZ),
    "api_keys.add": lambda w: w.api_keys.add(people_data.api_key("linz").model_copy(update={"id": "new"}), "new"),
    "api_keys.put": lambda w: w.api_keys.put(people_data.api_key("linz").model_copy(update={"revoked_at": 1})),
}
