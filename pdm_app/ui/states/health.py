"""State of the page about the system itself."""

import reflex as rx

from pdm_app.services.system import Health, SystemInfo
from pdm_app.ui.states.session import Act, Follow, Session


class SystemHealth(Session):
    """Checks and figures, read when the page opens and on request."""

    health: Health | None = None
    info: SystemInfo | None = None

    @rx.event
    async def load(self) -> Follow:
        """Run every check and read the figures."""

        async def work(act: Act) -> None:
            self.info = await act.services.system.info(act.actor)
            self.health = await act.services.system.health()
            self.is_loaded = True

        return await self._act(work)
