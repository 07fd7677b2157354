"""Messages in the product itself: what a person's open pages show, and the next one that they open.

The message lies in the database already, so there is nobody to hand it to; that a browser has shown it is noted when
the browser says so (`pdm_app.services.page_notices`).
"""

from pdm_app.domain.notices import ChannelKind, OutgoingMessage

WAITS = "Lies ready for the pages of the person."


class PageChannel:
    """Offers messages to whoever opens a page."""

    kind = ChannelKind.PAGE

    async def send(self, message: OutgoingMessage) -> str:  # noqa: ARG002 - it is where it belongs
        """See `Channel.send`; the answer says that it waits for a browser."""
        return WAITS

    async def close(self) -> None:
        """There is nothing to give back."""
