"""The channels as they are set up now: each is opened when it is first needed, and anew when its set-up changes."""

from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from pdm_app.channels.email import EmailChannel
from pdm_app.channels.mqtt import MqttChannel
from pdm_app.channels.page import PageChannel
from pdm_app.channels.sms import SmsChannel, template_of
from pdm_app.channels.sms_mail import MailedSmsChannel
from pdm_app.channels.webhook import WebhookChannel
from pdm_app.domain.notice_channels import ChannelsSetUp, MailServer, MqttBroker, SmsGateway, WebhookReceiver
from pdm_app.domain.notices import Channel, ChannelKind
from pdm_app.domain.ports import Clock


class ChannelDoors:
    """Gives channels to whoever sends.

    Args:
        set_up: What is set up; assign another one when it changes.
        secret_of: Returns the secret of a channel, None where none is stored.
        clock: Time of signatures.
    """

    def __init__(self, set_up: ChannelsSetUp, secret_of: Callable[[str], Awaitable[str | None]], clock: Clock) -> None:
        self.set_up = set_up
        self._secret_of = secret_of
        self._clock = clock
        self._open: dict[ChannelKind, tuple[object, Channel]] = {}

    def receiver(self, kind: ChannelKind = ChannelKind.WEBHOOK) -> str:
        """Return what stands for the URL of a program that is told: a log of messages is read by many."""
        return self.set_up.places().get(kind, "")

    async def channel(self, kind: ChannelKind) -> Channel | None:
        """Return the channel of a kind, or None where it is not set up."""
        if kind is ChannelKind.PAGE:
            return PageChannel()
        if kind is ChannelKind.SMS and self.set_up.sms.profile == "email":
            mail = await self.channel(ChannelKind.EMAIL) if self.set_up.sms.place else None
            return MailedSmsChannel(mail, self.set_up.sms) if isinstance(mail, EmailChannel) else None
        given = getattr(self.set_up, kind)
        secret = await self._secret_of(kind)
        known = self._open.get(kind)
        if known is not None and known[0] == (given, secret):
            return known[1]
        if known is not None:
            del self._open[kind]
            await known[1].close()
        if not given.place:
            return None
        made = self._made(given, SecretStr(secret) if secret else None)
        self._open[kind] = ((given, secret), made)
        return made

    def _made(self, given: MailServer | SmsGateway | WebhookReceiver | MqttBroker, secret: SecretStr | None) -> Channel:
        match given:
            case MailServer():
                return EmailChannel(given, secret)
            case SmsGateway():
                return SmsChannel(template_of(given), given, secret)
            case WebhookReceiver():
                return WebhookChannel(given, self._clock, secret)
            case MqttBroker():
                return MqttChannel(given, secret)

    async def close(self) -> None:
        """Give every connection back."""
        known, self._open = self._open, {}
        for _, channel in known.values():
            await channel.close()
