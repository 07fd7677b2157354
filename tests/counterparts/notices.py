"""A route and a message of a site, for the tests of what may be done with them."""

from datetime import date

from pdm_app.domain.notice_channels import ChannelsSetUp
from pdm_app.domain.notice_routes import NoticeRoute, RouteStep
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.outbox import Message, MessageState
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import Work
from pdm_app.domain.rotas import Rota, Turn
from pdm_app.simulation.catcher import Catcher

NEVER_OLD = 2**52  # What was done with long ago is forgotten.
CAUGHT = {"graz": "caught-000000001", "pune": "caught-000000002"}


def route_id(site_id: str) -> str:
    return f"route-{site_id}"


def message_id(site_id: str) -> str:
    return f"message-{site_id}"


def caught_for(clock: Clock) -> Catcher:
    """An inbox with the message of each site."""
    catcher = Catcher(clock, ChannelsSetUp())
    for site_id in CAUGHT:
        catcher.keep(ChannelKind.EMAIL, f"{site_id}@plant.example", "", message_id=message_id(site_id))
    return catcher


def rota_id(site_id: str) -> str:
    return f"rota-{site_id}"


async def put_notices(work: Work, site_id: str, user_id: str) -> None:
    """A route that asks for nothing, a message that was given up, and a rota."""
    await work.rotas.put(
        Rota(
            id=rota_id(site_id), site_id=site_id, name="Fitters", anchor=date(2026, 11, 16),
            turns=(Turn(user_ids=(user_id,)),), revision=7,
        )
    )  # fmt: skip
    step = RouteStep(user_ids=(user_id,), channels=(ChannelKind.EMAIL,))
    await work.outbox.put_route(
        NoticeRoute(id=route_id(site_id), site_id=site_id, name="Day", steps=(step,), enabled=False, revision=7)
    )
    await work.outbox.put_message(
        Message(
            id=message_id(site_id), site_id=site_id, user_id=user_id, channel=ChannelKind.EMAIL,
            address=f"{user_id}@plant.example", subject=f"Alarm of {site_id}", body="", priority=2, alarms=1,
            created_at=0, tried_since=0, next_at=NEVER_OLD, state=MessageState.DEAD,
        )
    )  # fmt: skip
