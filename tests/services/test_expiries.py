"""What ends is said in time, once per step, by everybody who shows it alike."""

import logging
from collections.abc import Iterable

import pytest

from pdm_app.domain.access import SYSTEM, Role, User, actor_of
from pdm_app.domain.certificates import DAY
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.expiries import Expiry
from pdm_app.domain.samples import Micros
from pdm_app.services.expiries import ExpiryService
from pdm_app.services.metrics import Metrics
from tests.counterparts.clocks import NOON, HandClock

LIFE = 365 * DAY


def thing(name: str = "The certificate of HTTPS", **more: object) -> Expiry:
    """Something that ends a year after noon."""
    facts = {"kind": "certificate", "id": name, "name": name, "begins_at": NOON, "ends_at": NOON + LIFE, **more}
    return Expiry.model_validate(facts)


@pytest.mark.parametrize(
    ("days_before", "step"),
    [(31, None), (30, 30), (15, 30), (14, 14), (8, 14), (7, 7), (2, 7), (1, 1), (0.5, 1), (0, 0), (-9, 0)],
)
def test_the_steps_are_thirty_fourteen_seven_one_and_the_end(days_before: float, step: int | None) -> None:
    now = NOON + LIFE - int(days_before * DAY)
    assert thing().step(now) == step
    assert thing().is_sound(now) == (step is None or step == 30)


def test_what_renews_itself_is_worth_a_word_only_when_that_has_failed_for_long() -> None:
    short = thing(ends_at=NOON + 6 * DAY, renews_itself=True)
    assert short.step(NOON) is None
    assert short.step(NOON + 4 * DAY) is None, "it is being renewed, a third of its life before the end"
    assert short.step(NOON + 5 * DAY) == 1


async def said(expiries: ExpiryService, caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    caplog.clear()
    await expiries.note()
    return [(record.levelname, record.getMessage()) for record in caplog.records]


async def test_each_step_is_logged_once_and_a_replacement_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock, ending = HandClock(), [thing()]
    expiries, metrics = ExpiryService(clock), Metrics()
    expiries.register(metrics)

    async def source() -> Iterable[Expiry]:
        return ending

    expiries.add("certificates", source)
    with pytest.raises(ValueError, match="already asked"):
        expiries.add("certificates", source)
    assert await said(expiries, caplog) == []
    clock.at = Micros(NOON + LIFE - 30 * DAY)
    assert await said(expiries, caplog) == [("WARNING", "The certificate of HTTPS ends in 30 days")]
    assert b"\nexpiry_days_left 30.0" in metrics.page()
    assert await said(expiries, caplog) == []
    clock.at = Micros(NOON + LIFE - 3 * DAY)
    assert await said(expiries, caplog) == [("ERROR", "The certificate of HTTPS ends in 3 days")]
    clock.at = Micros(NOON + LIFE)
    assert await said(expiries, caplog) == [("ERROR", "The certificate of HTTPS ends today")]
    ending[0] = thing(ends_at=NOON + LIFE + DAY)
    assert await said(expiries, caplog) == [("ERROR", "The certificate of HTTPS ends in 1 day")]
    ending.clear()
    assert await said(expiries, caplog) == []
    assert b"\nexpiry_days_left NaN" in metrics.page()


async def test_a_source_that_fails_is_named_and_hides_no_other() -> None:
    clock = HandClock(NOON + LIFE - 5 * DAY)
    expiries = ExpiryService(clock)

    async def broken() -> Iterable[Expiry]:
        raise UnavailableError("The certificate file given.pem cannot be read.")

    async def trusted() -> Iterable[Expiry]:
        return [thing(f"Trusted server {number}") for number in range(5)]

    expiries.add("certificates", broken)
    expiries.add("trust", trusted)
    check = await expiries.check()
    assert not check.ok
    assert check.detail == (
        "Trusted server 0 ends in 5 days; Trusted server 1 ends in 5 days; Trusted server 2 ends in 5 days; 2 more; "
        "The certificate file given.pem cannot be read."
    )
    await expiries.note()


async def test_what_belongs_to_another_site_is_not_in_the_list() -> None:
    clock = HandClock(NOON)
    expiries = ExpiryService(clock)

    async def source() -> Iterable[Expiry]:
        return [thing("Ours", site_id="graz"), thing("Theirs", site_id="pune"), thing("Everybody's")]

    expiries.add("trust", source)
    viewer = User(id="vera", username="vera", display_name="Vera", role=Role.VIEWER, site_ids=("graz",))
    assert [one.expiry.name for one in await expiries.all(actor_of(viewer))] == ["Ours", "Everybody's"]
    assert len(await expiries.all(SYSTEM)) == 3
