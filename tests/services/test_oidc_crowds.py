"""One address cannot begin sign-ins at a provider without end."""

from typing import Any, cast

import pytest

from pdm_app.domain.directories import Doors, OidcDoor
from pdm_app.domain.errors import TooManyAttemptsError
from pdm_app.services.oidc_sign_in import BEGUN_PER_MINUTE, OidcSignIn
from tests.counterparts.clocks import HandClock

NOBODY = cast(Any, None)  # What follows a proof is not reached here.


class _Door:
    """A provider that everybody is sent to."""

    async def address(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        return f"https://there.example/?state={state}"


async def test_who_begins_sign_ins_in_crowds_pushes_nobody_out() -> None:
    clock, doors = HandClock(), Doors(oidc={"there": cast(OidcDoor, _Door())})
    sign_in = OidcSignIn(NOBODY, clock, doors, NOBODY, NOBODY, NOBODY, NOBODY)

    async def begin(address: str) -> str:
        return (await sign_in.begin("there", "https://here.example/back", "", address)).address

    for _ in range(BEGUN_PER_MINUTE // 4):
        await begin("2001:db8:1:2::1")
    for neighbour in ("2001:db8:1:2::1", "2001:db8:1:2::2"):
        with pytest.raises(TooManyAttemptsError) as refused:
            await begin(neighbour)
        assert refused.value.facts["retry_after_s"] == 1
    assert await begin("198.51.100.7")
    clock.at += 1_000_000
    assert await begin("2001:db8:1:2::1")
