"""State of the plant pages: which lines and machines there are."""

import reflex as rx

from pdm_app.services.assets import LineOverview
from pdm_app.ui.states.session import Act, Follow, Session


class Plant(Session):
    """Lines of the site shown, and the one line that is open."""

    lines: list[LineOverview] = []
    line: LineOverview | None = None

    @rx.event
    async def load(self) -> Follow:
        """Read the lines of the site shown."""

        async def work(act: Act) -> None:
            self.lines = list((await act.services.assets.overview(act.actor, self.site_id or None)).lines)
            self.is_loaded = True

        return await self._act(work)

    @rx.event
    async def load_line(self) -> Follow:
        """Read the line that the address names."""

        async def work(act: Act) -> None:
            lines = (await act.services.assets.overview(act.actor)).lines
            wanted = self.router.url.path.rstrip("/").rpartition("/")[2]
            self.line = next((line for line in lines if line.line.id == wanted), None)
            if self.line is not None:
                self.site_id = self.line.site.id
            self.is_loaded = True

        return await self._act(work)
