"""The demo's inbox: what its notices would have sent, caught on this machine by servers that hand nothing on."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.notice_channels import ChannelsSetUp
from pdm_app.domain.notices import ADDRESS_MAX, BODY_MAX, ChannelKind
from pdm_app.domain.record import Id, Record

KEPT_MAX = 500  # The newest so many stay, in memory only.
CAUGHT_BODY_MAX = 2 * BODY_MAX


class Caught(Record):
    """One message as the other side took it."""

    id: Id
    at: int = Field(description="When it arrived; microseconds UTC.")
    channel: ChannelKind
    to: str = Field(max_length=ADDRESS_MAX)
    sender: str = Field(default="", max_length=ADDRESS_MAX)
    subject: str = Field(default="", max_length=1_000)
    body: str = Field(default="", max_length=CAUGHT_BODY_MAX)
    message_id: str = Field(default="", max_length=36, description="Id in the delivery log; empty where it named none.")
    copy_id: Id | None = Field(default=None, description="The copy of a report that came with it, as the log tells.")


class CaughtQuery(Record):
    """Which page of the inbox is asked for, newest first."""

    text: Annotated[str, Field(max_length=120, description="Part of address, subject or words, in any case.")] = ""
    channel: ChannelKind | None = None
    before: Id | None = Field(default=None, description="Cursor: last id of the page before.")
    limit: int = Field(default=50, ge=1, le=200)


class Inbox(Protocol):
    """What was caught, and where channels lead so that it is."""

    @property
    def set_up(self) -> ChannelsSetUp:
        """Every channel, led to where it is caught."""
        ...

    def newest(self) -> Sequence[Caught]:
        """Return all that is kept, newest first."""
        ...

    def clear(self) -> int:
        """Forget all; returns how many there were."""
        ...
