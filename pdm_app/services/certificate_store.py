"""The files of the certificates with which this server proves who it is, for the server and the commands.

Which one counts: the files that the settings name, else what was brought (`CertificateStore.bringing`), else what an
ACME directory gave, else one signed by an authority made here at the first start, renewed by itself. All live in the
folder ``tls`` of the data directory, each with its key in one file of mode 0600, so that taking one up is one rename.
"""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pdm_app.domain.certificates import (
    Certificate,
    PreviousCertificate,
    ServerCertificate,
    Source,
    Warn,
)
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PdmError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import Micros
from pdm_app.services.certificate_archive import Archive
from pdm_app.services.certificate_files import (
    belong_together,
    local_names,
    make_authority,
    make_server,
    read_certificates,
)
from pdm_app.services.certificate_pairs import checked_pair
from pdm_app.services.certificate_requests import RequestFile, checked_names
from pdm_app.services.private_files import write_private
from pdm_app.settings import TlsSettings

log = logging.getLogger(__name__)

FOLDER = "tls"
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not chosen
AUTHORITY = "authority.pem"
BROUGHT = "brought.pem"
OBTAINED = "acme.pem"
NAMES = "names.json"
RENEW_DAYS = 30
LATE_DAYS = 825  # A longer life is refused by some browsers, also of private authorities.


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a server finds its certificate and its key; None where both are in one file."""

    certificate: Path
    key: Path | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is checked and ready: what will be shown, and what makes it so."""

    after: Certificate
    apply: Callable[[], None]


class CertificateStore:
    """The files, for the server and the commands; knows no people.

    Args:
        data_dir: They are in its folder ``tls``.
        settings: Which files to use instead, further names, the ACME directory.
        clock: For what they are good until.
        names: By what names and addresses others reach this machine, those that it is given first.
        host: What the server listens on.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: TlsSettings,
        clock: Clock,
        names: Callable[[Iterable[str]], list[str]] = local_names,
        host: str = "",
    ) -> None:
        self.folder = data_dir / FOLDER
        self._settings = settings
        self._clock = clock
        self._names = names
        self._host = host
        self._archive = Archive(self.folder)
        self.requests = RequestFile(self.folder)

    def now(self) -> Micros:
        """Return the time of its clock."""
        return self._clock.now()

    @property
    def source(self) -> Source:
        """Where the one that counts comes from."""
        if self._settings.certificate is not None:
            return "settings"
        if self._brought.exists():
            return "brought"
        return "acme" if self._settings.acme.directory and self.obtained_file.exists() else "own"

    @property
    def pair(self) -> Pair:
        """The files that count now."""
        if self._settings.certificate is not None:
            return Pair(self._settings.certificate, self._settings.key)
        files = {"brought": self._brought, "acme": self.obtained_file}
        return Pair(files.get(self.source, self._own), None)

    @property
    def authority_file(self) -> Path:
        return self.folder / AUTHORITY

    @property
    def obtained_file(self) -> Path:
        """Where what the ACME directory gave is kept."""
        return self.folder / OBTAINED

    @property
    def _own(self) -> Path:
        return self.folder / "server.pem"

    @property
    def _brought(self) -> Path:
        return self.folder / BROUGHT

    # --- our own ----------------------------------------------------------------------------------------------------

    def tend(self) -> bool:
        """Make what is missing; renew what ends within a month or lacks a name or address that this machine has now.

        Returns:
            Whether there is a new certificate.
        """
        if self.source != "own" or self._is_good(self.wanted_names()):
            return False
        self._make(self.wanted_names())
        return True

    def renewal(self, names: tuple[str, ...] | None = None) -> Change:
        """Prepare a new certificate of our own.

        Args:
            names: Further names from now on; None leaves those that were given before.

        Raises:
            ConflictError: The one that counts was not made here.
            InvalidInputError: A name is none.
        """
        if self.source != "own":
            raise ConflictError("The certificate in use was not made here. Bring a new one, or go back to ours first.")
        more = self.more_names() if names is None else checked_names(names)
        made = self._made(self.wanted_names(more))

        def apply() -> None:
            write_private(self.folder / NAMES, json.dumps(more))
            write_private(self._own, made)

        return Change(read_certificates(made)[0], apply)

    def renew(self, names: tuple[str, ...] | None = None) -> Certificate:
        """Make a new certificate of our own now; see `renewal`."""
        return _applied(self.renewal(names))

    def more_names(self) -> tuple[str, ...]:
        """Return the names that somebody gave for our own certificate, besides those this machine has."""
        try:
            return tuple(json.loads((self.folder / NAMES).read_text(encoding="ascii")))
        except (OSError, ValueError):
            return ()

    def wanted_names(self, more: tuple[str, ...] | None = None) -> list[str]:
        """Return the names that our own certificate should have."""
        names = self._names([*self._settings.names, *(self.more_names() if more is None else more)])
        return names if self._host in ("", *names, *EVERY_ADDRESS) else [*names, self._host]

    def _is_good(self, wanted: list[str]) -> bool:
        if not self._own.exists() or not self.authority_file.exists():
            return False
        try:
            one = read_certificates(self._own.read_text(encoding="ascii"))[0]
        except (InvalidInputError, UnicodeDecodeError):
            log.warning("the certificate %s cannot be read and is made anew", self._own)
            return False
        return one.days_left(self._clock.now()) > RENEW_DAYS and set(wanted) <= set(one.names)

    def _make(self, names: list[str]) -> None:
        write_private(self._own, self._made(names))
        log.info("certificate made", extra={"names": ", ".join(names)})

    def _made(self, names: list[str]) -> str:
        key_file = self.folder / "authority.key"
        try:
            if not self.authority_file.exists() or not key_file.exists() or self._authority_ends(key_file):
                certificate, key = make_authority(self._clock.now(), f"pdm_app authority of {names[0]}")
                write_private(key_file, key)
                write_private(self.authority_file, certificate)
            authority = self.authority_file.read_text(encoding="ascii")
            return make_server(self._clock.now(), authority, key_file.read_text(encoding="ascii"), names)
        except (ValueError, InvalidInputError):
            raise UnavailableError(
                f"Our authority in {self.folder} cannot be read. Put authority.pem and authority.key back from a "
                "backup, or delete both: another one is made, which browsers have to trust anew."
            ) from None

    def _authority_ends(self, key_file: Path) -> bool:
        """Whether another authority is due; a key of another one is what a crash between the two files leaves."""
        text = self.authority_file.read_text(encoding="ascii")
        if not belong_together(text, key_file.read_text(encoding="ascii")):
            log.warning("the authority in %s and its key are of two; another one is made", self.folder)
            return True
        return read_certificates(text)[0].days_left(self._clock.now()) <= RENEW_DAYS

    # --- brought by somebody ----------------------------------------------------------------------------------------

    def bringing(self, certificates: str, key: str) -> Change:
        """Check a certificate that somebody brings; the server takes it up without a restart.

        Args:
            certificates: PEM, in any order.
            key: PEM without a pass phrase; empty for that of the request that was made here.

        Raises:
            InvalidInputError: Names the field and what is wrong with it; the one in use stays.
            NotFoundError: No key is given, and there is no request.
            ConflictError: The settings name the files.
        """
        self.check_changeable()
        with_request = not key
        pair = checked_pair(certificates, key or self.requests.key(), self._clock.now())

        def apply() -> None:
            self._replace(pair)
            if with_request:
                self.requests.drop()

        return Change(read_certificates(pair)[0], apply)

    def bring(self, certificates: str, key: str) -> Certificate:
        """Check and take up a certificate; see `bringing`."""
        return _applied(self.bringing(certificates, key))

    def dropping(self) -> Change:
        """Prepare to go back to a certificate that renews itself; what was brought is kept among the previous ones.

        Raises:
            NotFoundError: None was brought.
        """
        if self.source != "brought":
            raise NotFoundError("No certificate was brought; there is nothing to go back from.")
        if self._settings.acme.directory and self.obtained_file.exists():
            return Change(read_certificates(self.obtained_file.read_text(encoding="ascii"))[0], self._put_away)
        if not self._is_good(self.wanted_names()):
            self._make(self.wanted_names())
        return Change(read_certificates(self._own.read_text(encoding="ascii"))[0], self._put_away)

    def drop(self) -> Certificate:
        """Go back to a certificate that renews itself; see `dropping`."""
        return _applied(self.dropping())

    def using_again(self, fingerprint: str) -> Change:
        """Check a previous certificate before it is taken up once more.

        Raises:
            NotFoundError: There is none with this fingerprint.
            InvalidInputError: It has ended.
            ConflictError: The settings name the files.
        """
        self.check_changeable()
        pair = self._archive.read(fingerprint)
        key, _, certificates = pair.partition("-----BEGIN CERTIFICATE-----")
        checked = checked_pair(f"-----BEGIN CERTIFICATE-----{certificates}", key, self._clock.now())

        return Change(read_certificates(checked)[0], lambda: self._replace(checked))

    def forgetting(self, fingerprint: str) -> Change:
        """Prepare to delete a previous certificate with its key.

        Raises:
            NotFoundError: There is none with this fingerprint.
        """
        one = read_certificates(self._archive.read(fingerprint))[0]
        return Change(one, lambda: self._archive.forget(fingerprint))

    def previous(self) -> tuple[PreviousCertificate, ...]:
        """Return what was in use before and may be again, the newest first; our own last while another one counts."""
        kept = self._archive.kept(self._clock.now())
        if self.source != "brought" or not self._own.exists():
            return kept
        try:
            one = read_certificates(self._own.read_text(encoding="ascii"))[0]
        except (OSError, ValueError, PdmError):
            return kept
        left = one.days_left(self._clock.now())
        return (*kept, PreviousCertificate(certificate=one, days_left=left, kept_at=one.valid_from, is_own=True))

    def check_changeable(self) -> None:
        """Raise where the settings name the files.

        Raises:
            ConflictError: Names the file to replace instead.
        """
        if self._settings.certificate is not None:
            raise ConflictError(
                f"The settings name the file {self._settings.certificate}. Replace that; it is read again by itself."
            )

    def _replace(self, pair: str) -> None:
        """Take a pair up in one step; what it replaces is kept, and it is no previous one itself any more."""
        if self._brought.exists():
            self._keep_brought()
        write_private(self._brought, pair)
        self._archive.discard(read_certificates(pair)[0].fingerprint)

    def _put_away(self) -> None:
        self._keep_brought()
        self._brought.unlink()

    def _keep_brought(self) -> None:
        try:
            self._archive.keep(self._brought.read_text(encoding="ascii"))
        except (InvalidInputError, UnicodeDecodeError):
            log.warning("the certificate %s cannot be read and is not kept", self._brought)

    # --- what is shown ----------------------------------------------------------------------------------------------

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
        source = self.source
        left = min(one.days_left(self._clock.now()) for one in found)
        return ServerCertificate(
            source=source,
            certificates=found,
            days_left=left,
            renews_itself=source in ("own", "acme"),
            warnings=self._warnings(source, found, left),
        )

    def _warnings(self, source: Source, chain: tuple[Certificate, ...], days_left: int) -> tuple[Warn, ...]:
        """Say what a browser may have against a certificate that works."""
        one = chain[0]
        is_ours = source == "own"
        alone = len(chain) == 1 and not is_ours
        judged: dict[Warn, bool] = {
            "ends_soon": days_left <= RENEW_DAYS and not is_ours,
            "trusted_by_nobody": alone and one.subject == one.issuer,
            "no_chain": alone and one.subject != one.issuer,
            "other_names": not is_ours and not self._reaches(one.names),
            "ends_late": (one.valid_until - one.valid_from) // 86_400_000_000 > LATE_DAYS,
        }
        return tuple(warn for warn, holds in judged.items() if holds)

    def _reaches(self, names: tuple[str, ...]) -> bool:
        """Whether a name is one by which others reach this machine, as far as the machine knows itself."""
        known = {name.lower() for name in self.wanted_names()} - {"localhost", "127.0.0.1", "::1"}
        endings = {name.partition(".")[2] for name in known if "." in name}
        return any(name.lower() in known or (name.startswith("*.") and name[2:].lower() in endings) for name in names)


def _applied(change: Change) -> Certificate:
    change.apply()
    return change.after
