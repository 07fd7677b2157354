"""A process that hands messages over until it is killed: ``python -m tests.faults.notifying URL FENCE PORT``."""

import asyncio
import sys

from pdm_app.channels.email import EmailChannel
from pdm_app.domain.notice_channels import MailServer
from pdm_app.domain.notices import Channel, ChannelKind
from pdm_app.domain.ports import Fence
from pdm_app.engine.notifier import Notifier
from pdm_app.runtime.process import SystemClock
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork


async def notify(url: str, token: int, port: int) -> None:
    mail = EmailChannel(MailServer(host="127.0.0.1", port=port, security="none", sender="pdm@plant.example"))

    async def channel(kind: ChannelKind) -> Channel | None:
        return mail

    async def fence() -> Fence:
        return Fence(token)

    await Notifier(SqlUnitOfWork(Database(url)), channel, SystemClock(), fence, gap_s=0).run()


if __name__ == "__main__":
    asyncio.run(notify(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
