"""Who is in no site reads and changes no firmware; everybody else shares the same releases and keys."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.firmware_keys import Releases, SigningKey
from pdm_app.domain.releases import Release, ReleaseSignature, manifest_sha256
from pdm_app.domain.repositories import UnitOfWork, Work
from tests.domain.releases import artifact, facts

NOBODY, ONE_SITE = Scope(sites=frozenset()), Scope(sites=frozenset({"site-graz"}))
SIGNED = ReleaseSignature(key_id="k" * 16, signature="A" * 88, by="uwe", at=2**53)


def release(number: int = 0, **changes: object) -> Release:
    said = facts(version=f"2.{number}.0", notes="é" * 2000)
    return Release(
        **dict(said), id=f"release-{number}", artifact=artifact(), manifest_sha256=manifest_sha256(said, artifact()),
        uploaded_by_id="user", uploaded_by="uwe", uploaded_at=number,
    ).model_copy(update=changes)  # fmt: skip


KEY = SigningKey(
    id="0" * 16,
    name="desk",
    public_key="B" * 43 + "=",
    added_by="uwe",
    added_at=2**53,
    expires_at=2**53,
    revoke_reason="é",
)
Crossing = Callable[[Work], Awaitable[object]]
READS: dict[str, Crossing] = {
    "all": lambda w: w.releases.all(),
    "get": lambda w: w.releases.get("release-0"),
    "keys": lambda w: w.releases.keys(),
    "remove": lambda w: w.releases.remove("release-0"),
}
WRITES: dict[str, Crossing] = {
    "put": lambda w: w.releases.put(release(7)),
    "put_key": lambda w: w.releases.put_key(KEY.model_copy(update={"name": "mine"})),
}


async def stored(plants: UnitOfWork) -> None:
    async with plants(ONE_SITE) as w:
        await w.releases.put(release())
        await w.releases.put(release(1, uploaded_at=2**53, signature=SIGNED))
        await w.releases.put_key(KEY)
        await w.commit()


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Releases, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | WRITES.keys() == methods


async def test_what_is_stored_comes_back_whole_the_newest_first(plants: UnitOfWork) -> None:
    await stored(plants)
    async with plants(EVERY_SITE) as w:
        assert list(await w.releases.all()) == [release(1, uploaded_at=2**53, signature=SIGNED), release()]
        assert await w.releases.get("release-0") == release()
        assert list(await w.releases.keys()) == [KEY]


async def test_who_is_in_no_site_finds_and_changes_nothing(plants: UnitOfWork) -> None:
    await stored(plants)
    for name, crossing in READS.items():
        async with plants(NOBODY) as w:
            assert not await crossing(w), name
            await w.commit()
    for crossing in WRITES.values():
        with pytest.raises(NotFoundError):
            async with plants(NOBODY) as w:
                await crossing(w)
    async with plants(EVERY_SITE) as w:
        assert len(await w.releases.all()) == 2
        assert list(await w.releases.keys()) == [KEY]


async def test_a_version_is_there_once_and_a_change_follows_the_one_before(plants: UnitOfWork) -> None:
    await stored(plants)
    for wrong in (release(1, id="other"), release(0, revision=2), release(0, revision=0), release(5, revision=1)):
        async with plants(EVERY_SITE) as w:
            with pytest.raises(ConflictError):
                await w.releases.put(wrong)
    async with plants(EVERY_SITE) as w:
        await w.releases.put(release(0, revision=1, reason="twice"))
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert await w.releases.get("release-0") == release(0, revision=1, reason="twice")
        assert await w.releases.remove("release-0")
        await w.commit()
