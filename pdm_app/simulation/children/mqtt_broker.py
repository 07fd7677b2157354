"""The MQTT broker of the pump station: MQTT 3.1.1 on loopback, open to everybody on this computer."""

import asyncio
import logging

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig

from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.simulation.children.frames import LOOPBACK

CLIENTS_MAX = 200


async def serve(link: ChildLink, configuration: Message) -> None:
    """Serve until cancelled."""
    logging.getLogger("amqtt").setLevel(
        logging.CRITICAL
    )  # It reports every client's ordinary disconnection as an error.
    logging.getLogger("transitions").setLevel(logging.ERROR)
    broker = Broker(
        BrokerConfig(
            listeners={
                "default": ListenerConfig(bind=f"{LOOPBACK}:{configuration['port']}", max_connections=CLIENTS_MAX)
            },
            plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        )
    )
    await broker.start()
    link.tell(ready=True)
    try:
        await asyncio.Event().wait()
    finally:
        await broker.shutdown()


if __name__ == "__main__":
    run_child(serve)
