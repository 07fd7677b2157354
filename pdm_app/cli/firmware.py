"""`firmware`: keys and signatures of releases, on a machine that needs no server and no network.

The private key never leaves that machine; the product knows the public one alone.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from pdm_app.domain.errors import ConflictError, InvalidInputError

firmware = typer.Typer(name="firmware", no_args_is_help=True, help="Sign firmware offline.")

FILE_BYTES_MAX = 1_000_000
PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File whose first line is the passphrase; asked for without it."),
]
ManifestArgument = Annotated[Path, typer.Argument(help="As downloaded from the release's page.")]


@firmware.command()
def keygen(
    key: Annotated[Path, typer.Argument(help="Where the private key goes, such as release.key; .pub goes beside it.")],
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make a key pair; the private half is encrypted and only yours to read."""
    from pdm_app.domain.firmware_keys import key_id
    from pdm_app.services.firmware_signatures import new_key_file, public_key_of
    from pdm_app.services.private_files import write_private

    public_file = key.with_name(f"{key.name.removesuffix('.key')}.pub")
    for path in (key, public_file):
        if path.exists():
            raise ConflictError(f"{path} is there already, and is not written over. Choose another name.")
    content, private = new_key_file(_passphrase(passphrase_file, confirm=True))
    try:
        write_private(key, content, replace=False)
        if key.read_text(encoding="ascii") != content:
            raise ConflictError(f"{key} was made by somebody else at this moment, and is not written over.")
        public = public_key_of(private)
        public_file.write_text(public + "\n", encoding="ascii")
    except OSError as error:
        raise InvalidInputError(f"The key could not be written: {error}. Choose another place.") from None
    typer.echo(f"private key  {key}  (keep it offline, and a copy in a safe)")
    typer.echo(f"public key   {public_file}")
    typer.echo(f"key id       {key_id(public)}")
    typer.echo(f"Add this public key on the firmware page: {public}")


@firmware.command()
def sign(
    manifest: ManifestArgument,
    artifact: Annotated[Path, typer.Argument(help="The file as you built it; compared with the manifest first.")],
    key: Annotated[Path, typer.Option("--key", help="Private key, made by `keygen`.")],
    passphrase_file: PassphraseOption = None,
) -> None:
    """Sign a manifest, if the file is the one it is about; the signature goes beside it as .sig."""
    from pdm_app.domain.firmware_keys import key_id
    from pdm_app.services.firmware_signatures import (
        check_file,
        opened_key,
        public_key_of,
        read_manifest,
        signature_of,
    )

    content = _read(manifest)
    said = read_manifest(content, manifest.name)
    _check(check_file, said, artifact)
    for line in _told(said):
        typer.echo(line)
    private = opened_key(_read(key), _passphrase(passphrase_file), key.name)
    signature = signature_of(private, content)
    target = manifest.with_name(f"{manifest.name}.sig")
    try:
        target.write_text(signature + "\n", encoding="ascii")
    except OSError as error:
        raise InvalidInputError(f"The signature could not be written to {target}: {error}.") from None
    typer.echo(f"signed with  {key_id(public_key_of(private))}")
    typer.echo(f"signature    {target}")
    typer.echo(signature)


@firmware.command()
def verify(
    manifest: ManifestArgument,
    signature: Annotated[Path, typer.Argument(help="The .sig file.")],
    public_key: Annotated[Path, typer.Option("--public-key", help="The .pub file of who is to have signed.")],
    artifact: Annotated[Path | None, typer.Option("--artifact", help="Compare this file, too.")] = None,
) -> None:
    """Say whether a signature holds; the exit code is 1 where it does not."""
    from pdm_app.domain.firmware_keys import key_id
    from pdm_app.services.firmware_signatures import check_file, holds, read_manifest, read_public_key

    content = _read(manifest)
    said = read_manifest(content, manifest.name)
    public = read_public_key(_read(public_key).decode("ascii", "replace"), public_key.name)
    if not holds(public, content, _read(signature).decode("ascii", "replace").strip()):
        raise InvalidInputError(
            f"{signature.name} is no signature of the key {key_id(public)} over {manifest.name}. Do not install it."
        )
    if artifact is not None:
        _check(check_file, said, artifact)
    for line in _told(said):
        typer.echo(line)
    typer.echo(f"The signature of the key {key_id(public)} holds.")


def _check(check: Any, said: Any, path: Path) -> None:
    try:
        check(said, path)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}. Check its name.") from None


def _told(said: Any) -> list[str]:
    """Return what is vouched for, as a person compares it."""
    artifact = said["artifact"]
    models = ", ".join(
        each["model"] + (f" ({', '.join(each['revisions'])})" if each["revisions"] else "") for each in said["hardware"]
    )
    return [
        f"release      {said['name']} {said['version']}, security version {said['security_version']}",
        f"hardware     {models}",
        f"coming from  {said['min_from_version'] or 'any version'}",
        f"way back     {'allowed' if said['rollback_safe'] else 'not allowed'}",
        f"file         {artifact['filename']}, {artifact['bytes']:,} bytes, SHA-256 {artifact['sha256']}",
    ]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}. Check its name.") from None
    if len(content) > FILE_BYTES_MAX:
        raise InvalidInputError(f"{path} has more than {FILE_BYTES_MAX:,} bytes, which is not what is asked for here.")
    return content


def _passphrase(file: Path | None, *, confirm: bool = False) -> str:
    if file is None:
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm))
    return _read(file).decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
