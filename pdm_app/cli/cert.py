"""`cert`: the certificate with which HTTPS is served. A running product takes a change up within seconds."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdm_app.cli.installation import CommandClock, DataOption
from pdm_app.domain.errors import InvalidInputError
from pdm_app.settings import load_settings

if TYPE_CHECKING:
    from pdm_app.services.certificates import CertificateStore, ServerCertificate

cert = typer.Typer(name="cert", no_args_is_help=True, help="The certificate of HTTPS.")


@cert.command()
def show(data: DataOption = None) -> None:
    """Say which certificate is shown, by what names, and how long it is good; one of our own is made if need be."""
    store = _store(data)
    store.tend()
    _print(store)


@cert.command()
def renew(data: DataOption = None) -> None:
    """Make a new certificate of our own; browsers that trust our authority go on doing so."""
    store = _store(data)
    store.renew()
    _print(store)


@cert.command("import")
def bring(
    certificate: Annotated[Path, typer.Argument(help="PEM: the server's certificate, then those between.")],
    key: Annotated[Path, typer.Argument(help="PEM: its private key, without a pass phrase.")],
    data: DataOption = None,
) -> None:
    """Use a certificate of another authority from now on."""
    store = _store(data)
    store.bring(_read(certificate), _read(key))
    _print(store)


@cert.command()
def drop(data: DataOption = None) -> None:
    """Go back from an imported certificate to one of our own."""
    store = _store(data)
    store.drop()
    _print(store)


def _store(data: Path | None) -> "CertificateStore":
    from pdm_app.services.certificates import CertificateStore

    settings = load_settings(data_dir=data)
    return CertificateStore(settings.data_dir, settings.tls, CommandClock(), host=settings.host)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        fix = "openssl x509 -inform der -in FILE -out FILE.pem"
        raise InvalidInputError(f"{path} is no text in PEM; convert it: {fix}") from None


def _print(store: "CertificateStore") -> None:
    shown: ServerCertificate = store.shown()
    one = shown.certificates[0]
    typer.echo(f"certificate   {one.subject}, signed by {one.issuer}")
    typer.echo(f"names         {', '.join(one.names)}")
    typer.echo(f"good until    {_day(one.valid_until)}, {shown.days_left} days" + _renewal(shown))
    typer.echo(f"SHA-256       {one.fingerprint}")
    typer.echo(f"file          {store.pair.certificate}")
    if shown.renews_itself:
        typer.echo(f"authority     {store.authority_file}; trust it in browsers and on phones")


def _renewal(shown: "ServerCertificate") -> str:
    return ", renewed by itself" if shown.renews_itself else ""


def _day(at: int) -> str:
    from pdm_app.domain.samples import Micros, moment

    day: datetime = moment(Micros(at))
    return f"{day:%Y-%m-%d}"
