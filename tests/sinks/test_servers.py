"""What only servers can do: refuse a password, lack a table, keep the later of two values, drop what is too old."""

import asyncio
from pathlib import Path

import asyncpg
import numpy as np
import pytest

from pdm_app.domain.samples import Quality
from pdm_app.domain.signals import DataType
from pdm_app.domain.sinks import CannotEraseError, SentSamples, SentSignal, SinkError
from pdm_app.sinks.doors import SinkDoors
from pdm_app.sinks.postgresql import MAKE
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.sink_servers import PASSWORD, InfluxdbSide, PostgresqlSide, Server, _asked, sink
from tests.sinks.test_target import GOOD, SIGNALS, Desk, S, samples


@pytest.fixture(params=["postgresql", "influxdb"])
def side(request: pytest.FixtureRequest) -> PostgresqlSide | InfluxdbSide:
    server: Server = request.getfixturevalue(request.param)
    return PostgresqlSide(server) if request.param == "postgresql" else InfluxdbSide(server)


async def test_a_wrong_password_is_told_and_not_repeated(
    side: PostgresqlSide | InfluxdbSide, tmp_path: Path, clock: HandClock
) -> None:
    for secret in ("wrong-otter-8", None):
        target = SinkDoors(tmp_path, clock).target(sink(side.options), secret)
        for attempt in (target.probe(), target.open("")):
            with pytest.raises(SinkError, match="Correct the user name and the password") as refused:
                await attempt
            assert "wrong-otter-8" not in refused.value.message
        await target.close()


async def test_a_database_that_is_not_there_is_told(
    side: PostgresqlSide | InfluxdbSide, tmp_path: Path, clock: HandClock
) -> None:
    nowhere = side.options.model_copy(update={"database": "nowhere"})
    target = SinkDoors(tmp_path, clock).target(sink(nowhere), PASSWORD)
    with pytest.raises(SinkError, match=r"(Make (it|the database)|right to write)"):
        await target.probe()
    await target.close()


async def test_a_sample_sent_again_is_there_once_and_a_later_value_takes_its_place(
    side: PostgresqlSide | InfluxdbSide, tmp_path: Path, clock: HandClock
) -> None:
    desk = Desk(side, tmp_path, clock)
    await desk.open()
    await desk.write(samples([(1, 0.0, 1.0, GOOD), (1, 1.0, 2.0, GOOD)]))
    await desk.write(samples([(1, 0.0, 1.0, GOOD), (1, 1.0, 7.5, Quality.UNCERTAIN_CLAMPED)]))
    await desk.end()
    assert [(row[2], row[3]) for row in await side.rows()] == [(1.0, 0), (7.5, 101)]


async def test_only_the_signal_that_is_named_is_deleted_however_it_is_called(
    side: PostgresqlSide | InfluxdbSide, tmp_path: Path, clock: HandClock
) -> None:
    nasty = ["it's", "a\\", 'say "x"', "' OR 'a'='a", "comma, and = sign", "ünïcödé 🏭"]
    signals = {
        number: SentSignal(number, "PNQ", f"G {name}", name, "dBm", DataType.NUMBER)
        for number, name in enumerate(nasty, start=1)
    }
    target = SinkDoors(tmp_path, clock).target(sink(side.options), PASSWORD)
    await target.open("")
    number = np.array(sorted(signals), np.int64)
    columns = (np.full(len(number), NOON, np.int64), np.ones(len(number)), np.zeros(len(number), np.int64))
    await target.write(SentSamples(signals, number, *columns))
    for left, signal in zip(range(len(nasty) - 1, -1, -1), signals.values(), strict=True):
        await target.erase([(signal, NOON - S, NOON)])
        assert len(await side.rows()) == left + 1, "its end is not part of a span"
        await target.erase([(signal, NOON, NOON + 1)])
        assert len(await side.rows()) == left
    await target.close()


async def test_a_user_who_may_not_delete_is_told_before_and_when_it_matters(
    postgresql: Server, tmp_path: Path, clock: HandClock
) -> None:
    side = PostgresqlSide(postgresql)
    connection = await asyncpg.connect(postgresql.admin)
    await connection.execute(MAKE.format(table=side.options.table))
    await connection.execute(f"GRANT SELECT, INSERT, UPDATE ON {side.options.table} TO {side.options.username}")
    await connection.close()
    target = SinkDoors(tmp_path, clock).target(sink(side.options), PASSWORD)
    assert "without DELETE on it" in await target.probe()
    await target.open("")
    await target.write(samples([(1, 0.0, 1.0, GOOD)]))
    with pytest.raises(CannotEraseError, match="Grant DELETE on that table"):
        await target.erase([(SIGNALS[1], NOON, NOON + S)])
    await target.write(samples([(1, 1.0, 2.0, GOOD)]))
    await target.close()
    assert [row[2] for row in await side.rows()] == [1.0, 2.0]


async def test_a_server_that_hangs_up_is_told_and_written_to_again(
    postgresql: Server, tmp_path: Path, clock: HandClock
) -> None:
    desk = Desk(PostgresqlSide(postgresql), tmp_path, clock)
    await desk.open()
    await desk.write(samples([(1, 0.0, 1.0, GOOD)]))
    connection = await asyncpg.connect(postgresql.admin)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pdm_app'"
    )
    await connection.close()
    with pytest.raises(SinkError, match="refuses samples"):
        await desk.write(samples([(1, 1.0, 2.0, GOOD)]))
    await desk.crash()
    await desk.open()
    await desk.write(samples([(1, 1.0, 2.0, GOOD)]))
    await desk.end()
    assert [row[2] for row in await desk.side.rows()] == [1.0, 2.0]


async def test_a_table_that_is_another_ones_is_left_alone(postgresql: Server, tmp_path: Path, clock: HandClock) -> None:
    side = PostgresqlSide(postgresql)
    connection = await asyncpg.connect(postgresql.admin)
    await connection.execute(f"CREATE TABLE {side.options.table} (id int)")
    await connection.execute(f"GRANT ALL ON {side.options.table} TO {side.options.username}")
    await connection.close()
    target = SinkDoors(tmp_path, clock).target(sink(side.options), PASSWORD)
    for attempt in (target.probe(), target.open("")):
        with pytest.raises(SinkError, match="choose another name for it"):
            await attempt
    await target.close()


async def test_a_server_without_the_extension_is_told_before_it_is_saved(
    postgresql: Server, tmp_path: Path, clock: HandClock
) -> None:
    options = PostgresqlSide(postgresql).options.model_copy(update={"timescale": True})
    target = SinkDoors(tmp_path, clock).target(sink(options), PASSWORD)
    with pytest.raises(SinkError, match="has no TimescaleDB"):
        await target.probe()
    await target.close()


async def test_what_a_database_keeps_no_longer_is_counted_and_does_not_hold_up_the_rest(
    influxdb: Server, tmp_path: Path, clock: HandClock
) -> None:
    side = InfluxdbSide(influxdb)
    policy = f'CREATE RETENTION POLICY "brief" ON "{side.options.database}" DURATION 1h REPLICATION 1 DEFAULT'
    await asyncio.to_thread(_asked, influxdb.admin, policy)
    target = SinkDoors(tmp_path, clock).target(sink(side.options), PASSWORD)
    await target.open("")
    years = 20 * 365 * 86_400.0
    assert await target.write(samples([(1, -years, 1.0, GOOD), (1, 0.0, 2.0, GOOD)])) == ""
    assert target.refused == 1
    await target.close()
    assert [row[2] for row in await side.rows()] == [2.0]
