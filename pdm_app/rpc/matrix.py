"""Who may call what, generated from the router: roles against permissions, and against every procedure."""

from collections.abc import Iterable, Sequence

from pdm_app.domain.access import ROLE_PERMISSIONS, Permission, Role
from pdm_app.rpc.root import root

YES = "●"
HEAD = """\
# Permissions

Who may do what, as `pdm-app rpc matrix` writes this page from the roles and the procedures themselves. A test calls
every procedure as every role, from the own site and towards another one, and compares the answers with these tables.

A permission says *what*, membership of sites says *where*: whoever may do something may do it in the own sites only,
and what lies in another site is answered exactly as if it did not exist. Admins see every site. An admin can give a
single person rights beside those of the role, or take some away; the tables show the roles as they come.
"""


def allowed(permission: Permission | None, role: Role) -> bool:
    """Say whether a role may call what needs ``permission``; None is for everybody who is signed in."""
    return permission is None or permission in ROLE_PERMISSIONS[role]


def needs() -> dict[str, Permission | None]:
    """Return what each procedure declares, by path."""
    found: dict[str, Permission | None] = {}
    for procedure in root.procedures():
        declared = procedure.meta.get("permission")
        found[procedure.path] = None if declared is None else Permission(str(declared))
    return found


def matrix() -> str:
    """Return the page in Markdown."""
    procedures = sorted(needs().items())
    rights = [(f"`{right}`", *_marks(right)) for right in Permission]
    calls = [(f"`{path}`", f"`{right}`" if right else "to be signed in", *_marks(right)) for path, right in procedures]
    return "\n".join(
        (
            HEAD,
            f"## Roles and permissions\n\n{_table(('permission', *Role), rights)}",
            f"## Roles and procedures\n\n{_table(('procedure', 'needs', *Role), calls)}",
        )
    )


def _marks(permission: Permission | None) -> tuple[str, ...]:
    return tuple(YES if allowed(permission, role) else "" for role in Role)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
