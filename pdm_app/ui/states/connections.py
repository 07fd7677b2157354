"""State of the connections page: pause and resume."""

import reflex as rx

from pdm_app.ui.states.session import Act, Follow, Session


class Connections(Session):
    """Acts on connections; the table itself is live."""

    @rx.event
    async def pause(self, connection_id: str) -> Follow:
        """Stop reading a connection."""

        async def work(act: Act) -> None:
            await act.services.connections.pause(act.actor, connection_id)

        return await self._act(work)

    @rx.event
    async def resume(self, connection_id: str) -> Follow:
        """Read a paused connection again."""

        async def work(act: Act) -> None:
            await act.services.connections.resume(act.actor, connection_id)

        return await self._act(work)
