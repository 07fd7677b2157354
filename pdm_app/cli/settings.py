"""`settings`: what is set, where it comes from, and how it was before. A running product takes a change over by itself.

The commands go by the same rules as the page: whole revisions, checked before they are kept, each with its reason.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pdm_app.cli.installation import DataOption, print_table, with_installation
from pdm_app.domain.access import SYSTEM
from pdm_app.domain.errors import FieldIssue, InvalidInputError, PdmError
from pdm_app.settings import load_settings

if TYPE_CHECKING:
    from pdm_app.domain.ports import Clock
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.domain.settings_revisions import SettingValue
    from pdm_app.services.setting_keys import SettingSpec
    from pdm_app.services.settings import SettingChange, SettingsService, SettingsStatus, SettingView

settings = typer.Typer(
    name="settings", no_args_is_help=True, help="What the product goes by: shown, changed, compared, brought back."
)

Key = Annotated[str, typer.Argument(help="Such as auth.idle_minutes; `settings list` shows all.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the change.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for a program.")]

T = TypeVar("T")


@settings.command("list")
def list_all(
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not at its default.")] = False,
    as_json: AsJson = False,
    data: DataOption = None,
) -> None:
    """List every setting with its value and where that comes from."""
    view = _ask(data, lambda service: service.tree(SYSTEM))
    shown = [one for one in view.settings if not changed or one.source != "default"]
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in shown], indent=2, ensure_ascii=False))
        return
    rows = [(one.spec.key, _value(one), _source(one), one.spec.effect.value.replace("_", " ")) for one in shown]
    print_table(("SETTING", "VALUE", "FROM", "TAKES EFFECT"), rows)


@settings.command()
def get(key: Key, as_json: AsJson = False, data: DataOption = None) -> None:
    """Show one setting: value, default, bounds, and who decides it."""
    from pdm_app.services.setting_keys import spec_of
    from pdm_app.services.settings_text import bounds, literal

    spec = spec_of(key)
    view = _ask(data, lambda service: service.tree(SYSTEM))
    one = next(one for one in view.settings if one.spec.key == spec.key)
    if as_json:
        typer.echo(json.dumps(one.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    typer.echo(f"{key} = {_value(one)}")
    lines = [
        ("meaning", spec.description),
        ("from", _source(one)),
        ("default", "" if spec.default is None else literal(spec.default)),
        ("allowed", bounds(spec)),
        ("unit", spec.unit),
        ("takes effect", spec.effect.value.replace("_", " ")),
        ("not used", one.problem),
    ]
    for name, words in lines:
        if words:
            typer.echo(f"  {name}: {words}")


@settings.command("set", context_settings={"ignore_unknown_options": True})
def set_value(
    key: Key,
    values: Annotated[list[str], typer.Argument(help="The value; several for a list, none of them with an empty one.")],
    reason: Reason = "",
    data: DataOption = None,
) -> None:
    """Set one setting. A running product takes it over within seconds, or says that it needs a new start."""
    from pdm_app.services.setting_keys import spec_of

    given = _typed(spec_of(key), values)
    _told(key, _ask(data, lambda service: service.change(SYSTEM, {key: given}, reason=reason)))


@settings.command()
def reset(key: Key, reason: Reason = "", data: DataOption = None) -> None:
    """Leave a setting to the file, the environment or its default again."""
    _told(key, _ask(data, lambda service: service.change(SYSTEM, {}, (key,), reason=reason)))


@settings.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=100, help="So many of the newest.")] = 20, data: DataOption = None
) -> None:
    """List who changed settings, when and why, newest first."""
    from pdm_app.domain.samples import moment

    page = _ask(data, lambda service: service.history(SYSTEM, limit=limit))
    rows = [
        (str(head.number), f"{moment(head.at):%Y-%m-%d %H:%M:%S}", head.actor, ", ".join(head.changed), head.reason)
        for head in page.revisions
    ]
    print_table(("REVISION", "UTC", "BY", "CHANGED", "WHY"), rows)


@settings.command()
def diff(
    older: Annotated[int, typer.Argument(min=0, help="A revision; 0 is before anything was set.")],
    newer: Annotated[int | None, typer.Argument(min=0, help="Another one; left out, the newest.")] = None,
    data: DataOption = None,
) -> None:
    """Show how two revisions differ."""

    async def ask(service: "SettingsService") -> "tuple[SettingChange, ...]":
        other = service.book.revision.number if newer is None else newer
        return await service.difference(SYSTEM, older, other)

    _print_changes(_ask(data, ask))


@settings.command()
def rollback(
    number: Annotated[int, typer.Argument(min=0, help="The revision to go back to; 0 sets nothing.")],
    reason: Reason = "",
    data: DataOption = None,
) -> None:
    """Set again exactly what a revision held, as a new revision."""

    async def ask(service: "SettingsService") -> "tuple[tuple[SettingChange, ...], dict[str, str], SettingsStatus]":
        review = await service.review_back(SYSTEM, number)
        return review.changes, review.left_out, await service.go_back(SYSTEM, number, review.base, reason)

    changes, left_out, status = _ask(data, ask)
    _print_changes(changes)
    for key, problem in left_out.items():
        typer.echo(f"left out: {key} {problem}")
    _told(f"revision {number}", status)


@settings.command()
def export(
    out: Annotated[Path | None, typer.Option("--out", help="The file; left out, the terminal.")] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Without the comments that say what each one means.")] = False,
    data: DataOption = None,
) -> None:
    """Write what is set in the product as a TOML file that fits into Git. It holds no secret."""
    text = _ask(data, lambda service: service.export(SYSTEM, comments=not bare))
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PdmError(f"{out} could not be written: {error.strerror}. Choose another file with --out.") from None
    typer.echo(f"{out} is written.")


@settings.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(help="A TOML file as `settings export` writes it.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="What the file does not name is not set any more; else it stays.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    reason: Reason = "",
    data: DataOption = None,
) -> None:
    """Set what a file says, all of it or nothing."""
    text = _text_of(file)

    async def ask(service: "SettingsService") -> "tuple[tuple[SettingChange, ...], SettingsStatus | None]":
        review = await service.review_text(SYSTEM, text, replace=replace)
        if dry_run or not review.changes:
            return review.changes, None
        return review.changes, await service.bring_in(SYSTEM, text, replace=replace, base=review.base, reason=reason)

    changes, status = _ask(data, ask)
    _print_changes(changes)
    if status is not None:
        _told(str(file), status)
    elif changes:
        typer.echo("Nothing was changed: this was a dry run.")


@settings.command()
def docs(
    out: Annotated[Path | None, typer.Option("--out", help="The file; left out, the terminal.")] = None,
) -> None:
    """Write the table of all settings: what each one means, its bounds and how it is set."""
    from pdm_app.services.settings_text import markdown

    if out is None:
        typer.echo(markdown(), nl=False)
        return
    is_current = out.is_file() and out.read_text(encoding="utf-8") == markdown()
    if not is_current:
        out.write_text(markdown(), encoding="utf-8")
    typer.echo(f"{out} is {'current' if is_current else 'written'}.")


def _ask(data: Path | None, ask: "Callable[[SettingsService], Awaitable[T]]") -> T:
    from pdm_app.services.settings import SettingsService
    from pdm_app.services.settings_book import SettingsBook

    async def work(unit_of_work: "UnitOfWork", clock: "Clock") -> T:
        book = SettingsBook(load_settings(data_dir=data), unit_of_work, clock)
        await book.load()
        return await ask(SettingsService(unit_of_work, clock, book))

    return with_installation(data, work)


def _told(what: str, status: "SettingsStatus") -> None:
    from pdm_app.services.settings_book import LOOK_EVERY_S

    typer.echo(f"{what} is set with revision {status.revision}.")
    typer.echo(
        f"A running product takes it over within {LOOK_EVERY_S:g} s; what needs a new start is shown on its pages."
    )


def _typed(spec: "SettingSpec", words: list[str]) -> "SettingValue":
    """Read what was typed as the kind of value that the setting holds; bounds are checked with the whole tree."""
    from pdm_app.services.setting_keys import Kind

    if spec.kind in (Kind.TEXTS, Kind.CHOICES):
        return tuple(word for word in words if word)
    if len(words) != 1:
        raise InvalidInputError(
            f"{spec.key} takes one value, not {len(words)}.", [FieldIssue(spec.key, "takes one value")]
        )
    (word,) = words
    if spec.kind is Kind.FLAG:
        known = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        if word.lower() not in known:
            raise InvalidInputError(f"{spec.key} is yes or no, not {word!r}.", [FieldIssue(spec.key, "is yes or no")])
        return known[word.lower()]
    if spec.kind in (Kind.INTEGER, Kind.NUMBER):
        try:
            return int(word)
        except ValueError:
            pass
        try:
            return float(word)
        except ValueError:
            raise InvalidInputError(
                f"{spec.key} is a number, not {word!r}.", [FieldIssue(spec.key, "is a number")]
            ) from None
    return word


def _value(one: "SettingView") -> str:
    from pdm_app.services.setting_keys import Kind
    from pdm_app.services.settings_text import literal

    if one.spec.kind is Kind.SECRET:
        return "(not shown)"
    return "" if one.value is None else literal(one.value)


def _source(one: "SettingView") -> str:
    if one.source == "fixed":
        return one.fixed_by + (" (what is stored waits)" if one.stored is not None else "")
    return one.source


def _print_changes(changes: "tuple[SettingChange, ...]") -> None:
    from pdm_app.services.settings_text import literal

    if not changes:
        typer.echo("Nothing differs.")
        return
    rows = [
        tuple("not set" if value is None else literal(value) for value in (change.before, change.after))
        for change in changes
    ]
    print_table(
        ("SETTING", "BEFORE", "AFTER", "DEFAULT"),
        [
            (change.key, *row, "" if change.default is None else literal(change.default))
            for change, row in zip(changes, rows, strict=True)
        ],
    )


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise PdmError(f"{file} could not be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInputError(
            f"{file} is no text in UTF-8.", [FieldIssue("file", "is no UTF-8", "save it as UTF-8")]
        ) from None
