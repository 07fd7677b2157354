"""How each channel is set up: the server, the gateway, the receiver. What proves us there is kept apart, sealed."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from pdm_app.domain.notices import ChannelKind, OutgoingMessage
from pdm_app.domain.section import Section

Security = Literal["tls", "starttls", "none"]
Profile = Literal["", "generic", "email", "twilio", "vonage", "bird", "sinch", "seven"]
Shape = Literal["json", "teams", "slack"]
URL_MAX = 300
PAGES = "the product's pages"
SECRET_PART = "{secret}"  # noqa: S105 - where the sealed secret belongs in a URL


class MailServer(Section):
    """The mail server that notices are handed to."""

    host: str = Field(default="", max_length=253, description="Empty: no mail is sent.")
    port: int = Field(default=587, ge=1, le=65_535, description="Of the mail server.")
    security: Security = Field(
        default="starttls", description="tls from the first byte (465), starttls (587), or none (25)."
    )
    username: str = Field(default="", max_length=200, description="Empty: no login.")
    sender: str = Field(default="", max_length=254, description="Address that mail comes from.")
    sender_name: str = Field(default="pdm_app", max_length=80, description="Name that mail comes from.")
    timeout_s: float = Field(default=20, gt=0, le=120, description="For each answer of the server.")
    ca_file: Path | None = Field(default=None, description="Authorities that may vouch for it; none: the system's.")

    @property
    def place(self) -> str:
        """Where it is, in words; empty where it is not set up."""
        return f"{self.host}:{self.port}" if self.host and self.sender else ""


class SmsGateway(Section):
    """The gateway that text messages are handed to."""

    profile: Profile = Field(
        default="", description="Whose interface it speaks, email for one that takes mail; empty: no text messages."
    )
    url: str = Field(
        default="",
        max_length=500,
        description="Instead of the address of the profile; of email such as {digits}@sms.example.",
    )
    user: str = Field(default="", max_length=200, description="Account, where the provider has one.")
    sender: str = Field(default="", max_length=20, description="Number or name that messages come from.")
    timeout_s: float = Field(default=15, gt=0, le=120, description="For an answer of the gateway.")

    @property
    def place(self) -> str:
        is_whole = bool(self.profile) and (bool(self.url) or self.profile not in ("generic", "email"))
        return f"{self.profile} {self.url}".strip() if is_whole else ""


class WebhookReceiver(Section):
    """The program that notices are posted to."""

    url: str = Field(
        default="",
        max_length=URL_MAX,
        description="Empty: nothing is posted. In it {secret} stands for the secret that is kept sealed.",
    )
    shape: Shape = Field(default="json", description="Form of the body.")
    timeout_s: float = Field(default=15, gt=0, le=120, description="For an answer of the receiver.")

    @property
    def place(self) -> str:
        """Where it is, without the path: that is often all that keeps strangers from posting there."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return self.url
        if not host:
            return self.url
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"


class MqttBroker(Section):
    """The broker that notices are published to, with QoS 1."""

    url: str = Field(
        default="",
        max_length=URL_MAX,
        pattern=r"^$|^mqtts?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$",
        description="Such as mqtts://broker.example:8883, or mqtt:// without TLS; empty: nothing is published.",
    )
    topic: str = Field(
        default="pdm/{site}/alarms",
        min_length=1,
        max_length=200,
        pattern=r"^[^+#\x00]+$",
        description="In it {site} stands for the site's id and {priority} for 1 to 4.",
    )
    username: str = Field(default="", max_length=200, description="Empty: no login.")
    version: Literal["5", "3.1.1"] = Field(default="5", description="Of MQTT; 5 says why a message was not taken.")
    timeout_s: float = Field(default=15, gt=0, le=120, description="From the first byte to the broker's receipt.")
    ca_file: Path | None = Field(default=None, description="Authorities that may vouch for it; none: the system's.")

    @property
    def place(self) -> str:
        return self.url.rstrip("/")

    @property
    def is_secured(self) -> bool:
        return self.url.startswith("mqtts:")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        try:
            return urlsplit(self.url).port or (8883 if self.is_secured else 1883)
        except ValueError:  # Beyond 65,535.
            return 0

    def topic_of(self, message: OutgoingMessage) -> str:
        """Return where a message is published."""
        priority = "" if message.priority is None else str(message.priority)
        return self.topic.replace("{site}", message.site_id).replace("{priority}", priority)


class ChannelsSetUp(Section):
    """All of them."""

    email: MailServer = MailServer()
    sms: SmsGateway = SmsGateway()
    webhook: WebhookReceiver = WebhookReceiver()
    mqtt: MqttBroker = MqttBroker()

    def places(self) -> dict[ChannelKind, str]:
        """Return where each channel that is set up leads."""
        found = {
            ChannelKind.EMAIL: self.email.place,
            ChannelKind.SMS: self.sms.place,
            ChannelKind.WEBHOOK: self.webhook.place,
            ChannelKind.MQTT: self.mqtt.place,
            ChannelKind.PAGE: PAGES,
        }
        return {kind: place for kind, place in found.items() if place}

    def or_else(self, other: "ChannelsSetUp") -> "ChannelsSetUp":
        """Return the same with another's channels in the places of those that are not set up."""
        missing = {name: getattr(other, name) for name in type(self).model_fields if not getattr(self, name).place}
        return self.model_copy(update=missing)
