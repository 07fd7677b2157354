"""Samples into a table of PostgreSQL: one row for each, keyed by signal and time.

Sending again changes nothing there, or puts the later of two values of one instant in the place of the earlier one.
The table is made where there is none. As a hypertable of TimescaleDB it is the same table; that was written after the
documentation of TimescaleDB and has not been run against a server that has it.
"""

import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pdm_app.domain.samples import moment
from pdm_app.domain.sinks import BY_HAND, CannotEraseError, PostgresqlOptions, SentSamples, SentSpan, SinkError

if TYPE_CHECKING:
    import asyncpg

ROWS_PER_CALL = 5_000
GOODBYE_S_MAX = 1.0
COLUMNS = ("site", "signal", "at", "number", "integer", "boolean", "text", "unit", "quality")
MAKE = """CREATE TABLE IF NOT EXISTS {table} (
    site text NOT NULL, signal text NOT NULL, at timestamptz NOT NULL,
    number double precision, "integer" bigint, "boolean" boolean, "text" text,
    unit text NOT NULL, quality smallint NOT NULL, PRIMARY KEY (site, signal, at))"""
MAY_NOT_DELETE = "; without DELETE on it, what is taken back or recalculated in history stays there"
HYPERTABLE = "SELECT create_hypertable('{table}', 'at', if_not_exists => TRUE)"
PUT = """INSERT INTO {table} (site, signal, at, number, "integer", "boolean", "text", unit, quality)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::double precision[], $5::bigint[], $6::boolean[],
        $7::text[], $8::text[], $9::smallint[])
    ON CONFLICT (site, signal, at) DO UPDATE SET number = EXCLUDED.number, "integer" = EXCLUDED."integer",
        "boolean" = EXCLUDED."boolean", "text" = EXCLUDED."text", unit = EXCLUDED.unit, quality = EXCLUDED.quality"""
ERASE = """DELETE FROM {table} there
    USING unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) gone (site, signal, begins, ends)
    WHERE there.site = gone.site AND there.signal = gone.signal AND there.at >= gone.begins AND there.at < gone.ends"""
LOOK = 'SELECT site, signal, at, number, "integer", "boolean", "text", unit, quality FROM {table} LIMIT 0'


class PostgresqlTarget:
    """One table."""

    def __init__(self, options: PostgresqlOptions, secret: str | None) -> None:
        self._options = options
        self._secret = secret
        self._place = f"PostgreSQL at {options.host}:{options.port}, database {options.database!r},"
        self._connection: asyncpg.Connection[Any] | None = None
        self.refused = 0

    async def open(self, checkpoint: str) -> None:  # noqa: ARG002 - for those with files
        """See `Target.open`; makes the table where there is none."""
        connection = self._connection = await self._connected()
        table = self._options.table
        try:
            if await connection.fetchval("SELECT to_regclass($1)", table) is None:
                await connection.execute(MAKE.format(table=table))
                if self._options.timescale:
                    await connection.execute(HYPERTABLE.format(table=table))
            await connection.execute(LOOK.format(table=table))
        except _refusals() as error:
            raise self._told(f"cannot make ready the table {table!r}", error) from error

    async def write(self, samples: SentSamples) -> str | None:
        """See `Target.write`; the rows of a call are committed when it returns."""
        if self._connection is None:
            raise SinkError(f"{self._place} is not connected.")
        for begin in range(0, len(samples), ROWS_PER_CALL):
            try:
                await self._connection.execute(
                    PUT.format(table=self._options.table), *_columns(samples.part(begin, begin + ROWS_PER_CALL))
                )
            except _refusals() as error:
                raise self._told("refuses samples", error) from error
        return ""

    async def erase(self, spans: Sequence[SentSpan]) -> str | None:
        """See `Target.erase`; asks for the right to delete from the table."""
        import asyncpg

        if self._connection is None:
            raise SinkError(f"{self._place} is not connected.")
        columns = (
            [signal.site for signal, _, _ in spans], [signal.full_name for signal, _, _ in spans],
            [moment(begin) for _, begin, _ in spans], [moment(end) for _, _, end in spans],
        )  # fmt: skip
        try:
            await self._connection.execute(ERASE.format(table=self._options.table), *columns)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError) as error:
            raise CannotEraseError(
                f"{self._place} does not allow rows of {self._options.table!r} to be deleted: {error}. Grant DELETE on "
                f"that table for the next time; {BY_HAND}"
            ) from error
        except _refusals() as error:
            raise self._told("refuses to delete samples", error) from error
        return ""

    async def settle(self, *, at_once: bool) -> str | None:  # noqa: ARG002 - for those with files
        """See `Target.settle`; nothing waits."""
        return None

    async def confirm(self, checkpoint: str) -> None:
        """See `Target.confirm`; there is nothing to do."""

    async def probe(self) -> str:
        """See `Target.probe`; looks at the table, or at the right to make it."""
        connection = self._connection = await self._connected()
        table = self._options.table
        try:
            version = str(await connection.fetchval("SHOW server_version"))
            if await connection.fetchval("SELECT to_regclass($1)", table) is None:
                may = await connection.fetchval("SELECT has_schema_privilege(current_schema(), 'CREATE')")
                if not may:
                    raise SinkError(
                        f"{self._place} has no table {table!r} and does not let us make one. Make it, or grant CREATE "
                        "on the schema."
                    )
                state, may_delete = f"the table {table!r} will be made", True
            else:
                await connection.execute(LOOK.format(table=table))
                may = await connection.fetchval("SELECT has_table_privilege($1, 'INSERT, UPDATE')", table)
                if not may:
                    raise SinkError(
                        f"{self._place} does not let us write into {table!r}. Grant INSERT and UPDATE on it."
                    )
                state = f"the table {table!r} is there"
                may_delete = await connection.fetchval("SELECT has_table_privilege($1, 'DELETE')", table)
            has_timescale = bool(
                await connection.fetchval("SELECT count(*) FROM pg_extension WHERE extname='timescaledb'")
            )
        except _refusals() as error:
            raise self._told(f"cannot be asked about the table {table!r}", error) from error
        if self._options.timescale and not has_timescale:
            raise SinkError(
                f"{self._place} has no TimescaleDB. Install the extension there, or do without hypertables."
            )
        return f"{self._place} answers (version {version}), {state}{'' if may_delete else MAY_NOT_DELETE}"

    async def close(self) -> None:
        """See `Target.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=GOODBYE_S_MAX)
            except Exception:  # Whatever it says: nobody is there to hear us out.
                connection.terminate()

    async def _connected(self) -> "asyncpg.Connection[Any]":
        import asyncpg

        await self.close()
        options = self._options
        try:
            return await asyncpg.connect(
                host=options.host.strip("[]"), port=options.port, user=options.username, password=self._secret or "",
                database=options.database, ssl=_security(options.tls),
                timeout=options.timeout_s, command_timeout=options.timeout_s, statement_cache_size=0,
                server_settings={"application_name": "pdm_app"},
            )  # fmt: skip
        except _refusals() as error:
            raise self._told("cannot be reached", error) from error

    def _told(self, what: str, error: BaseException) -> SinkError:
        words = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
        if self._secret:
            words = words.replace(self._secret, "…")
        return SinkError(f"{self._place} {what}: {words.rstrip('.')}. {_to_do(error)}")


def _security(tls: str) -> ssl.SSLContext | str | bool:
    match tls:
        case "verify":
            return ssl.create_default_context()
        case "encrypt":
            return "require"
        case _:
            return False


def _refusals() -> tuple[type[BaseException], ...]:
    import asyncpg

    return (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


def _to_do(error: BaseException) -> str:
    import asyncpg

    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return "Correct the user name and the password."
        case asyncpg.InvalidCatalogNameError():
            return "Make the database, or correct its name."
        case asyncpg.InsufficientPrivilegeError():
            return "Grant the user what is missing."
        case asyncpg.UndefinedColumnError() | asyncpg.InvalidColumnReferenceError() | asyncpg.WrongObjectTypeError():
            return f"The table has other columns than {', '.join(COLUMNS)}, or another key: choose another name for it."
        case ssl.SSLError():
            return "Have it show a certificate of a known authority, or choose another way to secure the connection."
        case OSError() | TimeoutError():
            return "Start it or correct its address; samples stay in history and are sent then."
        case _:
            return "It is tried again by itself; look at its log if this goes on."


def _columns(samples: SentSamples) -> list[list[Any]]:
    """Return the rows as columns in the order of `PUT`: each value in the column of its type."""
    about = [samples.signals[number] for number in samples.signal.tolist()]
    values = samples.values()
    return [
        [each.site for each in about],
        [each.full_name for each in about],
        [moment(at) for at in samples.source_at.tolist()],
        [value if isinstance(value, float) else None for value in values],
        [value if isinstance(value, int) and not isinstance(value, bool) else None for value in values],
        [value if isinstance(value, bool) else None for value in values],
        [value.replace("\x00", "") if isinstance(value, str) else None for value in values],
        [each.unit for each in about],
        samples.quality.tolist(),
    ]
