"""With the rights of the script the product works, and nobody with its password alters the audit trail."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.errors import InvalidInputError
from pdm_app.services.auditing import audit
from pdm_app.storage.database import Database
from pdm_app.storage.grants import audit_grants
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.mariadb import execute
from tests.storage.data import MINE, NOON, SteppedClock, put_plant

pytestmark = pytest.mark.mariadb


@pytest.fixture
def account(mysql_server_url: str) -> Iterator[str]:
    name = f"pdm_{uuid.uuid4().hex[:12]}"
    execute(mysql_server_url, f"CREATE USER '{name}'@'%' IDENTIFIED BY 'copper-lantern'")
    yield name
    execute(mysql_server_url, f"DROP USER '{name}'@'%'")


async def test_the_product_adds_to_the_trail_and_can_neither_alter_nor_remove_anything(
    mysql_server_url: str, mariadb_url: str, account: str
) -> None:
    administrator = Database(mariadb_url)
    await administrator.migrate()
    name = str(administrator.url.database)
    execute(mysql_server_url, f"GRANT ALL ON `{name}`.* TO '{account}'@'%'")
    script = audit_grants(name, account, "%")
    execute(mysql_server_url, *(line for line in script.splitlines() if not line.startswith("--")))

    url = administrator.url.set(username=account, password="copper-lantern")
    database = Database(url.render_as_string(hide_password=False))
    await database.migrate()
    work = SqlUnitOfWork(database)
    await put_plant(work, MINE, 1)
    async with work(EVERY_SITE) as w:
        await audit(w, SYSTEM, SteppedClock(NOON).now(), "things.made", subject="thing", name="a")
        await w.commit()
        assert (await w.audit.head()).seq == 2
    for statement in (
        "UPDATE audit_entries SET actor = 'mallory'",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head (name, seq, hash) VALUES ('x', 1, 'x')",
        "TRUNCATE audit_entries",
        "DROP TABLE audit_entries",
        "ALTER TABLE audit_entries DROP COLUMN hash",
    ):
        with pytest.raises(Exception, match="denied"):
            async with database.writing("tamper") as connection:
                await connection.execute(text(statement))
    async with work(EVERY_SITE) as w:
        assert [entry.name for entry in await w.audit.after(None, 10)] == ["asset graz", "a"]
    await database.close()
    await administrator.close()


@pytest.mark.parametrize("bad", ["pdm`; DROP DATABASE x; --", "pdm'@'%", "", "x" * 65])
def test_names_that_would_be_sql_are_refused(bad: str) -> None:
    with pytest.raises(InvalidInputError, match="characters that a script should not hold"):
        audit_grants("pdm", bad, "%")
    with pytest.raises(InvalidInputError):
        audit_grants(bad, "pdm", "%")
    with pytest.raises(InvalidInputError):
        audit_grants("pdm", "pdm", "%'; --")
