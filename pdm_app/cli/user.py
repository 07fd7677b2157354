"""`user`: add, list and change people, and give them new passwords. A running product notices within seconds."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pdm_app.cli.installation import DataOption, print_table, with_installation
from pdm_app.domain.access import SYSTEM, Role, User
from pdm_app.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from pdm_app.domain.ports import Clock
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.services.people import PeopleService

user = typer.Typer(name="user", no_args_is_help=True, help="People who sign in.")

Username = Annotated[str, typer.Argument(help="Small letters, digits, dot, hyphen, underscore.")]
Sites = Annotated[list[str] | None, typer.Option("--site", help="Id of a site; repeat for several. Admins see all.")]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]

T = TypeVar("T")


@user.command()
def add(
    username: Username,
    role: Annotated[Role, typer.Option(help="What the person is in the plant.")] = Role.VIEWER,
    site: Sites = None,
    name: Annotated[str, typer.Option(help="Full name, as others see it.")] = "",
    password_stdin: FromInput = False,
    data: DataOption = None,
) -> None:
    """Add a person; the password is asked for, never given as an argument."""
    password = _new_password(username, from_input=password_stdin)
    added = _with_people(data, lambda people: people.add(SYSTEM, username, password, role, name, site or ()))
    typer.echo(_words(added))


@user.command("list")
def list_all(data: DataOption = None) -> None:
    """List everybody."""
    people = _with_people(data, lambda people: people.all(SYSTEM))
    rows = [
        (person.username, person.display_name, str(person.role), _sites(person), "yes" if person.is_active else "no")
        for person in people
    ]
    print_table(("USERNAME", "NAME", "ROLE", "SITES", "ACTIVE"), rows)


@user.command()
def change(
    username: Username,
    role: Annotated[Role | None, typer.Option(help="The new role.")] = None,
    site: Sites = None,
    data: DataOption = None,
) -> None:
    """Change a person's role or sites; the sites given replace those before."""
    changed = _with_people(data, lambda people: people.change(SYSTEM, username, role=role, site_ids=site))
    typer.echo(_words(changed))


@user.command()
def password(username: Username, password_stdin: FromInput = False, data: DataOption = None) -> None:
    """Give a person a new password; all their sessions end."""
    word = _new_password(username, from_input=password_stdin)
    _with_people(data, lambda people: people.set_password(SYSTEM, username, word))
    typer.echo(f"{username} has a new password; every session of the old one has ended.")


@user.command()
def deactivate(username: Username, data: DataOption = None) -> None:
    """End a person's access; the journal keeps the name."""
    typer.echo(_words(_with_people(data, lambda people: people.deactivate(SYSTEM, username))))


@user.command()
def activate(username: Username, data: DataOption = None) -> None:
    """Give a deactivated person access again, with the password of before."""
    typer.echo(_words(_with_people(data, lambda people: people.change(SYSTEM, username, is_active=True))))


@user.command("mfa-reset")
def mfa_reset(username: Username, data: DataOption = None) -> None:
    """Take a lost authenticator app away; all sessions of the person end."""
    _with_people(data, lambda people: people.reset_mfa(SYSTEM, username))
    typer.echo(f"{username} signs in without a code; where the role needs an app, the next sign-in sets one up.")


def _new_password(username: str, *, from_input: bool) -> str:
    if from_input:
        word = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        word = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        raise InvalidInputError("There is no terminal to ask for the password on. Send it with --password-stdin.")
    from pdm_app.services.passwords import check_strength

    check_strength(word, username.strip().lower())
    return word


def _with_people(data: Path | None, ask: "Callable[[PeopleService], Awaitable[T]]") -> T:
    from pdm_app.services.passwords import PasswordHasher
    from pdm_app.services.people import PeopleService

    async def work(unit_of_work: "UnitOfWork", clock: "Clock") -> T:
        hasher = PasswordHasher()
        try:
            return await ask(PeopleService(unit_of_work, clock, hasher))
        finally:
            hasher.close()

    return with_installation(data, work)


def _sites(person: User) -> str:
    return "all" if person.role is Role.ADMIN else ", ".join(person.site_ids) or "none"


def _words(person: User) -> str:
    if not person.is_active:
        return f"{person.username} can no longer sign in."
    return f"{person.username} signs in as {person.role}; sites: {_sites(person)}."
