"""Text messages through a gateway that takes mail: each goes as a short mail to an address made of the number.

It leaves by the mail server that is set up for mail, so that nothing is set up twice.
"""

from pdm_app.channels.email import EmailChannel
from pdm_app.channels.sms import fill, short
from pdm_app.domain.notice_channels import SmsGateway
from pdm_app.domain.notices import REPEAT_WORDS, ChannelKind, OutgoingMessage


class MailedSmsChannel:
    """Hands messages to the mail server.

    Args:
        mail: Of the same installation; it is closed by who has opened it.
        gateway: Its ``url`` is the address, such as ``{digits}@sms.example``; ``{to}`` is the number with its +.
    """

    kind = ChannelKind.SMS

    def __init__(self, mail: EmailChannel, gateway: SmsGateway) -> None:
        self._mail = mail
        self._gateway = gateway

    async def send(self, message: OutgoingMessage) -> str:
        """See `Channel.send`; the answer is the mail server's."""
        address = fill(self._gateway.url, {"to": message.to, "digits": message.to.lstrip("+")})
        text = f"{message.body} ({REPEAT_WORDS})" if message.is_repeat else message.body
        return await self._mail.send(
            message.model_copy(update={"to": address, "subject": "", "body": short(text), "is_repeat": False})
        )

    async def close(self) -> None:
        """Nothing is open here."""
