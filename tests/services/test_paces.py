"""What a campaign may take of the line is shared by its devices, in the order in which they ask."""

import asyncio

import pytest

from pdm_app.domain.campaigns import Campaign, Phase
from pdm_app.services import paces as pace_service
from pdm_app.services.paces import Pace, Paces
from tests.counterparts.clocks import HandClock, settle


def campaign(number: int = 1, bytes_per_s_max: int | None = 100_000) -> Campaign:
    return Campaign(
        id=f"c-{number}", site_id="graz", name="To gateways", release_id="r", group_id="g", phases=(Phase(name="All"),),
        bytes_per_s_max=bytes_per_s_max, created_at=1, created_by="ada", creator_id="ada",
    )  # fmt: skip


async def test_downloads_share_the_line_piece_by_piece() -> None:
    clock, sent = HandClock(), list[str]()
    pace = Pace(clock, bytes_per_s=10_000)

    async def download(name: str) -> None:
        for _ in range(3):
            await pace.turn(10_000)
            sent.append(name)

    both = [asyncio.create_task(download(name)) for name in ("a", "b")]
    await settle()
    assert sent == ["a"]
    for seconds in range(5):
        await clock.advance(1)
        assert len(sent) == 2 + seconds, "ten thousand bytes a second, whoever gets them"
    await asyncio.gather(*both)
    assert sent == ["a", "a", "b", "a", "b", "b"], "neither waits until the other is done"


async def test_a_line_that_nobody_used_is_not_saved_up() -> None:
    clock = HandClock()
    pace = Pace(clock, bytes_per_s=10_000)
    await pace.turn(10_000)
    await clock.advance(3_600)
    await pace.turn(10_000)
    late = asyncio.create_task(pace.turn(10_000))
    await settle()
    assert not late.done()
    await clock.advance(1)
    await late


async def test_each_campaign_has_its_own_line_and_one_without_a_limit_none() -> None:
    paces = Paces(HandClock())
    assert paces.of(campaign(1, None)) is None
    assert paces.of(campaign(1)) is paces.of(campaign(1))
    assert paces.of(campaign(1)) is not paces.of(campaign(2))


async def test_campaigns_that_were_quiet_longest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_service, "PACES_MAX", 2)
    paces = Paces(HandClock())
    first, second = paces.of(campaign(1)), paces.of(campaign(2))
    assert paces.of(campaign(1)) is first
    paces.of(campaign(3))
    assert paces.of(campaign(1)) is first
    assert paces.of(campaign(2)) is not second
