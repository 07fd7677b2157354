"""`cert`: the certificate with which HTTPS is served. A running product takes a change up within seconds."""

import base64
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from pdm_app.cli.installation import CommandClock, DataOption
from pdm_app.domain.errors import InvalidInputError
from pdm_app.settings import load_settings

if TYPE_CHECKING:
    from pdm_app.domain.certificates import ServerCertificate
    from pdm_app.services.certificate_store import CertificateStore

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
    certificate: Annotated[Path, typer.Argument(help="PEM, DER, PKCS#7 or PKCS#12: the server's, and those between.")],
    key: Annotated[
        Path | None, typer.Argument(help="Its private key; not where the file holds it, or `cert request` made it.")
    ] = None,
    *,
    with_password: Annotated[
        bool, typer.Option("--password", help="Ask for the password of the file or of the key.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Use a certificate of another authority from now on."""
    from pdm_app.services.certificate_pairs import opened

    store = _store(data)
    password = typer.prompt("Password", hide_input=True) if with_password else ""
    store.bring(*opened(_read(certificate), _read(key) if key else "", password))
    _print(store)


@cert.command()
def request(
    names: Annotated[list[str], typer.Argument(help="Host names and addresses the certificate is for.")],
    organization: Annotated[str, typer.Option(help="As the authority wants it written.")] = "",
    country: Annotated[str, typer.Option(help="Two letters, such as DE.")] = "",
    key_kind: Annotated[
        str, typer.Option("--key", help="ec-p256, ec-p384, rsa-2048, rsa-3072 or rsa-4096.")
    ] = "ec-p256",
    data: DataOption = None,
) -> None:
    """Print a request for an authority of the company; its key stays here, `cert import CERTIFICATE` uses it."""
    from pdm_app.domain.certificates import RequestFacts
    from pdm_app.services.certificate_requests import make_request

    store = _store(data)
    store.requests.check_free()
    given = {"names": names, "organization": organization, "country": country, "key_kind": key_kind}
    try:
        facts = RequestFacts.model_validate(given)
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidInputError(f"This cannot be requested: {lines}.") from None
    made, key = make_request(facts, store.now())
    store.requests.keep(made, key)
    typer.echo(made.pem)


@cert.command()
def drop(data: DataOption = None) -> None:
    """Go back from an imported certificate to one of our own."""
    store = _store(data)
    store.drop()
    _print(store)


def _store(data: Path | None) -> "CertificateStore":
    from pdm_app.services.certificate_store import CertificateStore

    settings = load_settings(data_dir=data)
    return CertificateStore(settings.data_dir, settings.tls, CommandClock(), host=settings.host)


def _read(path: Path) -> str:
    """Return PEM as it is, the content of any other file in base64."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.") from None
    if b"-----BEGIN " in content:
        return content.decode("utf-8", "replace")
    return base64.b64encode(content).decode()


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
