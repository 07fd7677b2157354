"""The certificates with which this server proves who it is: its own authority's, or one that somebody brings.

Which one counts: the files that the settings name, else what was brought (`bring`), else one signed by an authority
made here at the first start, renewed by itself. All live in the folder ``tls`` of the data directory.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.certificates import Certificate
from pdm_app.domain.errors import ConflictError, NotFoundError, PdmError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit
from pdm_app.services.certificate_files import (
    checked_pair,
    local_names,
    make_authority,
    make_server,
    read_certificates,
    without_key,
)
from pdm_app.services.private_files import write_private
from pdm_app.services.system import Check
from pdm_app.settings import TlsSettings

log = logging.getLogger(__name__)

FOLDER = "tls"
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not chosen
AUTHORITY = "authority.pem"
BROUGHT = "brought.pem"
RENEW_DAYS = 30
WARN_DAYS = 14  # Of a certificate that nobody renews by itself.


class ServerCertificate(Record):
    """What the server shows at this moment, and how it came by it."""

    source: str
    certificates: tuple[Certificate, ...]
    days_left: int
    renews_itself: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a server finds its certificate and its key; None where both are in one file."""

    certificate: Path
    key: Path | None


class CertificateStore:
    """The files, for the server and the commands; knows no people."""

    def __init__(
        self,
        data_dir: Path,
        settings: TlsSettings,
        clock: Clock,
        names: Callable[[Iterable[str]], list[str]] = local_names,
        host: str = "",
    ) -> None:
        self._folder = data_dir / FOLDER
        self._settings = settings
        self._clock = clock
        self._names = names
        self._host = host

    @property
    def is_given(self) -> bool:
        """Whether the settings name the files."""
        return self._settings.certificate is not None

    @property
    def is_brought(self) -> bool:
        return not self.is_given and self._brought.exists()

    @property
    def pair(self) -> Pair:
        """The files that count now."""
        if self._settings.certificate is not None:
            return Pair(self._settings.certificate, self._settings.key)
        return Pair(self._brought if self._brought.exists() else self._own, None)

    @property
    def authority_file(self) -> Path:
        return self._folder / AUTHORITY

    @property
    def _own(self) -> Path:
        return self._folder / "server.pem"

    @property
    def _brought(self) -> Path:
        return self._folder / BROUGHT

    def tend(self) -> bool:
        """Make what is missing; renew what ends within a month or lacks a name or address that this machine has now.

        Returns:
            Whether there is a new certificate.
        """
        if self.is_given or self._brought.exists():
            return False
        wanted = self._wanted()
        if self._own.exists() and self.authority_file.exists():
            one = read_certificates(self._own.read_text(encoding="ascii"))[0]
            if one.days_left(self._clock.now()) > RENEW_DAYS and set(wanted) <= set(one.names):
                return False
        self._make(wanted)
        return True

    def renew(self) -> Certificate:
        """Make a new certificate of our own now.

        Raises:
            ConflictError: The one that counts was brought by somebody, or is named in the settings.
        """
        if self.is_given or self._brought.exists():
            raise ConflictError("The certificate in use was not made here. Bring a new one, or drop it first.")
        self._make(self._wanted())
        return self.shown().certificates[0]

    def _wanted(self) -> list[str]:
        names = self._names(self._settings.names)
        return names if self._host in ("", *names, *EVERY_ADDRESS) else [*names, self._host]

    def _make(self, names: list[str]) -> None:
        key_file = self._folder / "authority.key"
        if not self.authority_file.exists() or not key_file.exists() or self._authority_ends():
            certificate, key = make_authority(self._clock.now(), f"pdm_app authority of {names[0]}")
            write_private(key_file, key)
            write_private(self.authority_file, certificate)
        authority = self.authority_file.read_text(encoding="ascii")
        write_private(self._own, make_server(self._clock.now(), authority, key_file.read_text(encoding="ascii"), names))
        log.info("certificate made", extra={"names": ", ".join(names)})

    def _authority_ends(self) -> bool:
        authority = read_certificates(self.authority_file.read_text(encoding="ascii"))[0]
        return authority.days_left(self._clock.now()) <= RENEW_DAYS

    def bring(self, certificates: str, key: str) -> Certificate:
        """Check and keep a certificate that somebody brings; the server takes it up without a restart.

        Raises:
            InvalidInputError: Names the field and what is wrong with it; the one in use stays.
            ConflictError: The settings name the files.
        """
        if self.is_given:
            raise ConflictError(
                f"The settings name the file {self._settings.certificate}. Replace that; it is read again by itself."
            )
        write_private(self._brought, checked_pair(certificates, key, self._clock.now()))
        return self.shown().certificates[0]

    def drop(self) -> Certificate:
        """Go back to a certificate of our own.

        Raises:
            NotFoundError: None was brought.
        """
        if self.is_given or not self._brought.exists():
            raise NotFoundError("No certificate was brought; there is nothing to drop.")
        self._brought.unlink()
        self.tend()
        return self.shown().certificates[0]

    def shown(self) -> ServerCertificate:
        """Return what the server shows.

        Raises:
            UnavailableError: The file cannot be read.
            InvalidInputError: It holds no certificate.
        """
        path = self.pair.certificate
        try:
            found = read_certificates(path.read_text(encoding="ascii"))
        except OSError as error:
            raise UnavailableError(f"The certificate file {path} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise UnavailableError(f"The certificate file {path} is no text in PEM.") from None
        return ServerCertificate(
            source="settings" if self.is_given else "brought" if self._brought.exists() else "own",
            certificates=found,
            days_left=min(one.days_left(self._clock.now()) for one in found),
            renews_itself=not self.is_given and not self._brought.exists(),
        )


def authority_of(data_dir: Path, settings: TlsSettings) -> str:
    """Return the certificate of our own authority in PEM, for browsers and phones to trust.

    It asks for no actor: it is no secret, and who has not yet put trust in it can hardly sign in.

    Raises:
        NotFoundError: There is none, because another authority signs, or because somebody else serves HTTPS.
    """
    if not settings.enabled:
        raise NotFoundError("This program serves no HTTPS by itself; ask whoever runs the proxy before it.")
    folder = data_dir / FOLDER
    if settings.certificate is not None or (folder / BROUGHT).exists() or not (folder / AUTHORITY).exists():
        raise NotFoundError("The certificate in use is signed by another authority; there is none of ours to trust.")
    return without_key((folder / AUTHORITY).read_text(encoding="ascii"))


class CertificateService:
    """What people may know of the certificates and do with them."""

    def __init__(self, store: CertificateStore, work: UnitOfWork, clock: Clock, *, is_serving: bool) -> None:
        self._store = store
        self._work = work
        self._clock = clock
        self.is_serving = is_serving

    async def shown(self, actor: Actor) -> ServerCertificate | None:
        """Return what the server shows, None where it serves no HTTPS by itself."""
        actor.require(Permission.SYSTEM_READ)
        return self._store.shown() if self.is_serving else None

    async def bring(self, actor: Actor, certificates: str, key: str) -> ServerCertificate:
        """Replace the certificate; see `CertificateStore.bring`."""
        return await self._change(actor, "certificates.replaced", lambda: self._store.bring(certificates, key))

    async def renew(self, actor: Actor) -> ServerCertificate:
        """Make a new certificate of our own; see `CertificateStore.renew`."""
        return await self._change(actor, "certificates.renewed", self._store.renew)

    async def drop(self, actor: Actor) -> ServerCertificate:
        """Go back to a certificate of our own; see `CertificateStore.drop`."""
        return await self._change(actor, "certificates.dropped", self._store.drop)

    async def _change(self, actor: Actor, action: str, change: Callable[[], Certificate]) -> ServerCertificate:
        actor.require(Permission.SYSTEM_CONFIGURE)
        if actor.scope.sites is not None:
            raise NotFoundError("There is no certificate in your sites.")
        before = self._first()
        after = change()
        async with self._work(EVERY_SITE) as work:
            now = self._clock.now()
            await audit(work, actor, now, action, subject="certificate", name=after.subject, before=before, after=after)
            await work.commit()
        log.info("certificate changed", extra={"action": action, "by": actor.name, "fingerprint": after.fingerprint})
        return self._store.shown()

    def _first(self) -> Certificate | None:
        try:
            return self._store.shown().certificates[0]
        except PdmError:
            return None

    async def check(self) -> Check:
        """Say for the health page how long the certificate is good."""
        if not self.is_serving:
            return Check(name="certificate", ok=True, detail="HTTPS is not served by this program", needed=False)
        try:
            shown = self._store.shown()
        except PdmError as error:
            return Check(name="certificate", ok=False, detail=error.message, needed=False)
        left = f"{shown.days_left} days left" if shown.days_left >= 0 else "it has ended"
        ok = shown.days_left > WARN_DAYS
        fix = "" if ok else "; bring a new one on the page Certificates or with `pdm-app cert import`"
        return Check(name="certificate", ok=ok, detail=left + fix, needed=False)
