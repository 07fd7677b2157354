"""Health never hides, hangs or falls with what it looks at; figures are for those who may see them."""

import asyncio

import pytest

from pdm_app.domain.access import ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.errors import PermissionDeniedError
from pdm_app.services import system as system_service
from pdm_app.services.system import Check, SystemInfo, SystemService
from tests.counterparts.alarms import VERA
from tests.counterparts.clocks import NOON, HandClock

INFO = SystemInfo(
    version="1.0", started_at=NOON, now=NOON, database="SQLite file", data_dir="data", demo=False, python="3.11",
    samples_recorded=0, samples_per_s=0.0, buffer_samples=0, buffer_bytes=0, buffer_bytes_max=1, samples_dropped=0,
    viewers=0, memory_bytes=0, cpu_percent=0.0,
)  # fmt: skip


async def sound() -> Check:
    return Check(name="buffer", ok=True, detail="empty")


async def hanging() -> Check:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def broken() -> Check:
    raise KeyError("a bug")


async def test_a_check_that_hangs_or_breaks_says_so_and_the_others_are_still_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(system_service, "CHECK_S_MAX", 0.05)
    service = SystemService({"database": hanging, "recorder": broken, "buffer": sound}, lambda: INFO, HandClock())
    health = await service.health()
    assert [(check.name, check.ok) for check in health.checks] == [
        ("database", False),
        ("recorder", False),
        ("buffer", True),
    ]
    assert health.checks[0].detail == "did not answer within 0.05 s"
    assert (health.ready, health.at) == (False, NOON)
    assert "a bug" in caplog.text
    assert "a bug" not in health.checks[1].detail, "the text is for everybody, the log is not"


async def test_a_check_that_decides_nothing_does_not_decide_either_when_it_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system_service, "CHECK_S_MAX", 0.05)
    hangs = False

    async def certificate() -> Check:
        if hangs:
            await asyncio.Event().wait()
        return Check(name="certificate", ok=True, detail="is good", needed=False)

    clock = HandClock()
    service = SystemService({"buffer": sound, "certificate": certificate}, lambda: INFO, clock)
    assert (await service.health()).ready
    hangs = True
    await clock.advance(2)
    health = await service.health()
    assert [(check.ok, check.needed) for check in health.checks] == [(True, True), (False, False)]
    assert health.ready


async def test_many_probes_at_once_look_once_and_a_second_later_again() -> None:
    looks = 0

    async def counted() -> Check:
        nonlocal looks
        looks += 1
        return Check(name="database", ok=looks == 1, detail=f"look {looks}")

    clock = HandClock()
    service = SystemService({"database": counted}, lambda: INFO, clock)
    answers = await asyncio.gather(*(service.health() for _ in range(100)))
    assert {answer.checks[0].detail for answer in answers} == {"look 1"}
    clock.at += 999_999
    assert (await service.health()).ready
    clock.at += 1
    assert not (await service.health()).ready
    assert looks == 2


async def test_a_part_that_is_not_needed_leaves_the_product_ready() -> None:
    async def behind() -> Check:
        return Check(name="recorder", ok=False, detail="90 s behind", needed=False)

    health = await SystemService({"recorder": behind, "buffer": sound}, lambda: INFO, HandClock()).health()
    assert health.ready


async def test_figures_need_the_permission_to_see_them() -> None:
    service = SystemService({}, lambda: INFO, HandClock())
    assert await service.info(VERA) == INFO
    device = Actor(
        id="key", name="P-501", role=Role.SERVICE, scope=Scope(sites=frozenset({"pune"})),
        permissions=ROLE_PERMISSIONS[Role.SERVICE],
    )  # fmt: skip
    with pytest.raises(PermissionDeniedError, match=r"system\.read"):
        await service.info(device)
