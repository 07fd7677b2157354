"""Bring the schema to the version the program needs; safe when two processes start at once.

The scripts lie in ``alembic/`` of a checkout and in ``_bundle/alembic`` of an installed wheel; no ini file is read.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.errors import PdmError, UnavailableError
from pdm_app.storage.database import Database

PACKAGE = Path(__file__).resolve().parents[1]
LOCK_WAIT_S = 120  # Longer than a migration of the tables of one plant, but for the largest.
STATEMENT_S_MAX = 6 * 3600.0
"""So long may one step take on a server: a thousand million rows are written anew in an hour or so."""
HEAD = "head"


def scripts_folder() -> Path:
    """Return the folder of migration scripts.

    Raises:
        PdmError: Neither a checkout nor a complete wheel.
    """
    for folder in (PACKAGE / "_bundle" / "alembic", PACKAGE.parent / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise PdmError(
        f"The database migrations are missing beside {PACKAGE}. Install the package again, or run from a checkout."
    )


def configuration() -> Config:
    """Return alembic's configuration, made without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    return config


async def migrate(database: Database, target: str = HEAD) -> None:
    """Bring the schema to ``target``: ``head``, a revision, or ``base`` for an empty database.

    Raises:
        UnavailableError: The database does not answer, or another process has been migrating for two minutes.
        PdmError: The database was made by a newer version of the program.
    """
    async with database.connected("migrate its tables") as connection:
        if database.is_sqlite:
            # One write transaction around everything: a second process waits at its beginning, then finds it done.
            await database.begin_writing(connection)
            await connection.run_sync(_run, target)
            await connection.commit()
            return
        if await connection.run_sync(_is_at, configuration(), target):
            return
    url = database.url.render_as_string(hide_password=False)
    patient = Database(url, pool_size=1, answer_timeout_s=STATEMENT_S_MAX)
    try:
        async with patient.connected("migrate its tables") as connection:
            await _migrate_locked(patient, connection, target)
    finally:
        await patient.close()


async def _migrate_locked(database: Database, connection: AsyncConnection, target: str) -> None:
    # MySQL commits at every DDL statement, so a named lock, bound to this connection, keeps the others out.
    name = f"pdm_migrate.{database.url.database}"[:64]
    locked = await connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_S})
    if locked != 1:
        raise UnavailableError(
            f"{database.place} is being migrated by another process, which has not ended in {LOCK_WAIT_S} s. "
            "Wait for it, or end it, and start again.",
            place=database.place,
        )
    try:
        await connection.run_sync(_run, target)
        await connection.commit()
    finally:
        await connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


def _run(connection: Connection, target: str) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    if _is_at(connection, config, target):
        return
    try:
        if target == "base":
            command.downgrade(config, target)
        else:
            command.upgrade(config, target)
    except CommandError as error:
        raise PdmError(
            f"The database cannot be migrated to {target}: {error}. If it was made by a newer version of the program, "
            "install that version or restore a backup made with this one."
        ) from error


def _is_at(connection: Connection, config: Config, target: str) -> bool:
    """Whether nothing is to be done; spares every start but the first the loading of the scripts' environment."""
    if target != HEAD:
        return False
    heads = MigrationContext.configure(connection).get_current_heads()
    return set(heads) == set(ScriptDirectory.from_config(config).get_heads())
