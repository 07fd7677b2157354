"""The tests' own servers work and come back with their data."""

import asyncio
from urllib.parse import urlsplit

import aiomqtt
import asyncmy

from tests.counterparts.mariadb import MariadbServer, execute
from tests.counterparts.mosquitto import Mosquitto


async def test_the_database_is_fresh_and_empty(mariadb_url: str) -> None:
    url = urlsplit(mariadb_url)
    connection = await asyncmy.connect(host=url.hostname, port=url.port, user="root", db=url.path.strip("/"))
    async with connection.cursor() as cursor:
        await cursor.execute("SHOW TABLES")
        assert await cursor.fetchall() in ((), [])
    await connection.ensure_closed()


def test_a_killed_server_comes_back_with_what_was_committed(own_mariadb_server: MariadbServer) -> None:
    url = own_mariadb_server.url
    execute(url, "CREATE DATABASE d", "CREATE TABLE d.t (n INT PRIMARY KEY)", "INSERT INTO d.t VALUES (7)")
    own_mariadb_server.kill()
    own_mariadb_server.start()
    execute(url, "SELECT 1/(SELECT COUNT(*) FROM d.t WHERE n = 7)", "DROP TABLE d.t")


async def test_the_broker_delivers_and_restarts_on_the_same_port(mosquitto: Mosquitto) -> None:
    for _ in range(2):
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client, asyncio.timeout(90):
            await client.subscribe("plant/#")
            await client.publish("plant/x", b"1", qos=1)
            message = await anext(aiter(client.messages))
            assert message.payload == b"1"
        await asyncio.to_thread(mosquitto.stop)
        await asyncio.to_thread(mosquitto.start)
