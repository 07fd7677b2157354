"""SQL with which a database's administrator takes the right to alter the audit trail from the running product."""

import re

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.storage.schema import METADATA

NAME = re.compile(r"[A-Za-z0-9_$-]{1,64}")
HOST = re.compile(r"[A-Za-z0-9_.:%/-]{1,255}")
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
RIGHTS = {
    "audit_entries": "SELECT, INSERT",
    "audit_head": "SELECT, UPDATE",
    "settings_revisions": "SELECT, INSERT",
    "alembic_version": "SELECT",
}


def audit_grants(database: str, user: str, host: str) -> str:
    """Return a script for MySQL and MariaDB that leaves ``user`` no UPDATE or DELETE on the entries.

    Rights only add up, so they are given table by table and the ones on the whole database are taken away first.

    Raises:
        InvalidInputError: A name cannot be written into SQL without doubt.
    """
    for field, given, form in (("database", database, NAME), ("user", user, NAME), ("host", host, HOST)):
        if not form.fullmatch(given):
            raise InvalidInputError(
                f"The {field} {given!r} has characters that a script should not hold.",
                [FieldIssue(field, "has other characters than letters, digits, _ and -", "choose a plain name")],
            )
    account = f"'{user}'@'{host}'"
    tables = sorted({*METADATA.tables, *RIGHTS})
    lines = [
        f"-- Rights of {account} while the product runs; run it as an administrator of the server.",
        "-- It first takes away all rights that this account has, on other databases too.",
        "-- audit_entries: read and add only. audit_head: its one row says where the chain ends. Adding an entry moves",
        "-- it on (UPDATE), and its lock keeps two processes from adding to the same end; it can be neither removed",
        "-- nor doubled. Whoever moves it back leaves entries past the end, which the check of the chain names.",
        "-- settings_revisions: read and add only; going back is one more revision.",
        "-- A new version that changes tables needs an administrator's account for its first start; run the script of",
        "-- that version afterwards.",
        f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account};",
        *(f"GRANT {RIGHTS.get(table, EVERYTHING)} ON `{database}`.`{table}` TO {account};" for table in tables),
    ]
    return "\n".join(lines) + "\n"
