"""Notices: what is told to whom about an alarm, over which channel, and the proof that it was handed over.

An alarm's journal entry becomes one notice for each person and channel that the routes name; the notices that are due
for one person over one channel leave as one message; each attempt to hand a message over leaves a line in its log.
"""

from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.errors import PdmError
from pdm_app.domain.record import Record

SUBJECT_MAX = 200
BODY_MAX = 8_000
REPLY_MAX = 500
ADDRESS_MAX = 300
REPEAT_WORDS = "This may repeat a message that has reached you already."


class NoticeLanguage(StrEnum):
    """In which messages are written."""

    ENGLISH = "en"
    GERMAN = "de"
    HINDI = "hi"


class ChannelKind(StrEnum):
    """How a message leaves."""

    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"
    MQTT = "mqtt"
    PAGE = "page"


Address = Annotated[str, Field(min_length=3, max_length=ADDRESS_MAX)]


class Attachment(Record):
    """A file that leaves with a message."""

    name: str = Field(min_length=1, max_length=200)
    media_type: str = Field(max_length=100, pattern=r"^[a-z]+/[a-z0-9.+-]+$")
    content: bytes


class OutgoingMessage(Record):
    """What a channel is given to hand over."""

    id: str = Field(min_length=1, max_length=36, description="The same in every attempt, so that a receiver can tell.")
    to: Address = Field(description="E-mail address, telephone number in E.164, URL, or the user's id.")
    subject: str = Field(default="", max_length=SUBJECT_MAX)
    body: str = Field(max_length=BODY_MAX)
    at: int = Field(description="When it was made; microseconds UTC.")
    priority: int | None = Field(default=None, ge=1, le=4, description="Of the most urgent alarm in it.")
    is_repeat: bool = Field(default=False, description="An attempt before may have arrived without our knowing it.")
    attachment: Attachment | None = Field(default=None, description="Only mail carries it.")
    site_id: str = Field(default="", max_length=36, description="Of the alarms in it.")
    alarm_id: str | None = Field(default=None, max_length=36, description="The most urgent alarm in it.")
    alarms: int = Field(default=0, ge=0, description="How many it tells of.")


class DeliveryError(PdmError):
    """A message was not handed over.

    Attributes:
        reply: What the other side answered, or what became of the connection.
        is_final: Trying again cannot help; False also where an admin has to set something right first.
        retry_after_s: What the other side asked for, None where it named no time.
        is_unknown: The other side may have taken it all the same, as when the connection broke after the last byte.
    """

    def __init__(
        self,
        message: str,
        *,
        reply: str = "",
        is_final: bool = False,
        retry_after_s: float | None = None,
        is_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.reply = reply[:REPLY_MAX]
        self.is_final = is_final
        self.retry_after_s = retry_after_s
        self.is_unknown = is_unknown


class Channel(Protocol):
    """One way out. Messages are handed over one after the other; `close` gives connections back."""

    kind: ChannelKind

    async def send(self, message: OutgoingMessage) -> str:
        """Hand a message over and return what the other side answered.

        Raises:
            DeliveryError: It was not taken, or nobody knows.
        """
        ...

    async def close(self) -> None:
        """Never raises."""
        ...
