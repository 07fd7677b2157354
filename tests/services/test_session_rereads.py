"""How often the database is asked about a session that hundreds of calls use."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.domain.errors import UnauthenticatedError
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.sessions import REREAD_EARLY_S, REREAD_S
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
HERE = "192.0.2.7"
CALLS = 50


class Office:
    """Sign-in on a real database, its questions counted."""

    def __init__(self, work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> None:
        self.clock = clock
        self.questions = 0
        self._work = work
        self.auth = AuthService(self._counted, clock, Settings(data_dir=tmp_path / "data"), hasher)  # type: ignore[arg-type]

    def _counted(self, scope: Any) -> Any:
        self.questions += 1
        return self._work(scope)

    async def asked_by(self, session_id: str) -> int:
        """Let many calls come at the same moment; return how many questions that made."""
        before = self.questions
        await asyncio.gather(*(self.auth.actor_of_session(session_id, HERE) for _ in range(CALLS)))
        return self.questions - before


@pytest.fixture
async def office(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> Office:
    office = Office(sqlite_work, clock, tmp_path, hasher)
    await office.auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    return office


async def test_of_many_calls_at_once_one_reads_ahead_and_the_others_do_not_wait(office: Office) -> None:
    signed_in = await office.auth.sign_in("olga", PASSWORD, HERE)
    await office.auth.actor_of_session(signed_in.session_id, HERE)
    await office.clock.advance(REREAD_EARLY_S - 1)
    assert await office.asked_by(signed_in.session_id) == 0
    await office.clock.advance(1)
    assert await office.asked_by(signed_in.session_id) == 1
    assert await office.asked_by(signed_in.session_id) == 0


async def test_what_another_process_ends_is_ended_here_in_time_though_others_go_on_meanwhile(office: Office) -> None:
    signed_in = await office.auth.sign_in("olga", PASSWORD, HERE)
    await office.auth.actor_of_session(signed_in.session_id, HERE)
    elsewhere = AuthService(office._work, office.clock, office.auth._settings, office.auth._hasher)
    await elsewhere.sign_out(await elsewhere.actor_of_session(signed_in.session_id))
    await office.clock.advance(REREAD_S)
    with pytest.raises(UnauthenticatedError):
        await office.auth.actor_of_session(signed_in.session_id, HERE)
    # The same with somebody reading ahead all the time.
    again = await office.auth.sign_in("olga", PASSWORD, HERE)
    await office.auth.actor_of_session(again.session_id, HERE)
    await elsewhere.sign_out(await elsewhere.actor_of_session(again.session_id))
    await office.clock.advance(REREAD_EARLY_S)
    outcomes = await asyncio.gather(
        *(office.auth.actor_of_session(again.session_id, HERE) for _ in range(CALLS)), return_exceptions=True
    )
    assert sum(isinstance(outcome, UnauthenticatedError) for outcome in outcomes) == 1
    await office.clock.advance(REREAD_S - REREAD_EARLY_S)
    with pytest.raises(UnauthenticatedError):
        await office.auth.actor_of_session(again.session_id, HERE)
