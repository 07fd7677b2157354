"""What alembic runs its scripts with: a connection of the program, or a URL for the command line.

From a checkout: ``PDM_DATABASE_URL=… alembic upgrade head`` (configured in pyproject.toml).
"""

import asyncio
import os

from alembic import context
from sqlalchemy.engine import Connection

from pdm_app.storage.database import Database
from pdm_app.storage.schema import METADATA


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_from_command_line() -> None:
    url = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("PDM_DATABASE_URL")
    if not url:
        raise SystemExit("Set PDM_DATABASE_URL, or pass -x url=…, to say which database is meant.")
    database = Database(url)
    try:
        async with database.writing("migrate its tables") as connection:
            await connection.run_sync(run)
    finally:
        await database.close()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_from_command_line())
