"""What people may know of the certificates with which this server proves who it is, and do with them."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.certificates import (
    Certificate,
    CertificateRequest,
    PreviousCertificate,
    RequestFacts,
    ServerCertificate,
)
from pdm_app.domain.errors import ConflictError, NotFoundError, PdmError
from pdm_app.domain.expiries import Expiry
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.acme import AcmeKeeping, AcmeState
from pdm_app.services.auditing import audit
from pdm_app.services.certificate_files import read_certificates, without_key
from pdm_app.services.certificate_pairs import opened
from pdm_app.services.certificate_requests import make_request
from pdm_app.services.certificate_store import AUTHORITY, BROUGHT, FOLDER, OBTAINED, CertificateStore, Change
from pdm_app.settings import Settings, TlsSettings

log = logging.getLogger(__name__)

PAGE = "/settings/certificates"


class CertificateState(Record):
    """Everything about HTTPS that its page shows; no key is in here."""

    is_served: bool = Field(description="Whether this program serves HTTPS by itself.")
    shown: ServerCertificate | None
    problem: str = Field(default="", description="Why what is served cannot be read, where it cannot.")
    given_file: str = Field(default="", description="The file that the settings name; it is changed there, not here.")
    names: tuple[str, ...] = Field(default=(), description="Names for our own certificate that somebody gave.")
    known_names: tuple[str, ...] = Field(default=(), description="Names and addresses that this machine has.")
    authority: Certificate | None = Field(default=None, description="Ours, for browsers and phones to trust.")
    request: CertificateRequest | None = None
    previous: tuple[PreviousCertificate, ...] = ()
    acme: AcmeState | None = Field(default=None, description="None where the settings name no directory.")
    redirect_port: int | None = None
    hsts_days: int = 0
    trusted_proxies: tuple[str, ...] = ()


def authority_of(data_dir: Path, settings: TlsSettings) -> str:
    """Return the certificate of our own authority in PEM, for browsers and phones to trust.

    It asks for no actor: it is no secret, and who has not yet put trust in it can hardly sign in.

    Raises:
        NotFoundError: There is none, because another authority signs, or because somebody else serves HTTPS.
    """
    if not settings.enabled:
        raise NotFoundError("This program serves no HTTPS by itself; ask whoever runs the proxy before it.")
    folder = data_dir / FOLDER
    is_obtained = settings.acme.directory and (folder / OBTAINED).exists()
    if settings.certificate or is_obtained or (folder / BROUGHT).exists() or not (folder / AUTHORITY).exists():
        raise NotFoundError("The certificate in use is signed by another authority; there is none of ours to trust.")
    return without_key((folder / AUTHORITY).read_text(encoding="ascii"))


class CertificateService:
    """What an admin sees and does; each change is on record, and the server takes it up within a second or two.

    Args:
        store: The files.
        work: For the trail.
        clock: Of the changes.
        settings: Whether HTTPS is served here, and how.
        acme: Who asks an ACME directory.
    """

    def __init__(
        self, store: CertificateStore, work: UnitOfWork, clock: Clock, settings: Settings, acme: AcmeKeeping
    ) -> None:
        self._store = store
        self._work = work
        self._clock = clock
        self._settings = settings
        self._acme = acme
        self._changing = asyncio.Lock()

    @property
    def is_serving(self) -> bool:
        return self._settings.tls.enabled

    async def state(self, actor: Actor) -> CertificateState:
        """Return everything about HTTPS."""
        actor.require(Permission.SYSTEM_CONFIGURE)
        return await asyncio.to_thread(self._state)

    async def replace(self, actor: Actor, certificate: str, key: str = "", password: str = "") -> CertificateState:
        """Check what is uploaded, and serve with it.

        Args:
            actor: Who does it.
            certificate: PEM, or base64 of a file in DER, PKCS#7 or PKCS#12.
            key: The same in PEM or DER; empty where it is in the file, or belongs to the request that waits.
            password: Of the file or the key; empty for none.

        Raises:
            InvalidInputError: Names the field, what is wrong and what to do; the one in use stays.
            ConflictError: The settings name the files.
            NotFoundError: There is no key, neither given nor kept for a request.
        """

        def prepare() -> Change:
            return self._store.bringing(*opened(certificate, key, password))

        return await self._change(actor, "certificates.replaced", prepare)

    async def renew(self, actor: Actor, names: tuple[str, ...] | None = None) -> CertificateState:
        """Make a new certificate of our own, from now on with these further names; None leaves them."""
        return await self._change(actor, "certificates.renewed", lambda: self._store.renewal(names))

    async def restore_own(self, actor: Actor) -> CertificateState:
        """Go back from an uploaded certificate to the one that renews itself; it is kept among the previous ones."""
        return await self._change(actor, "certificates.dropped", self._store.dropping)

    async def use_again(self, actor: Actor, fingerprint: str) -> CertificateState:
        """Serve with a previous certificate."""
        if any(one.is_own and one.certificate.fingerprint == fingerprint for one in self._store.previous()):
            return await self.restore_own(actor)
        return await self._change(actor, "certificates.used_again", lambda: self._store.using_again(fingerprint))

    async def forget(self, actor: Actor, fingerprint: str) -> CertificateState:
        """Delete a previous certificate and its key."""
        return await self._change(
            actor, "certificates.forgotten", lambda: self._store.forgetting(fingerprint), is_shown=False
        )

    async def request(self, actor: Actor, facts: RequestFacts) -> CertificateRequest:
        """Make a key and a request for its certificate; the key stays here.

        Raises:
            ConflictError: Another request waits, or the settings name the files.
            InvalidInputError: A name is none.
        """
        self._require(actor)
        async with self._changing:
            self._store.check_changeable()
            self._store.requests.check_free()
            request, key = await asyncio.to_thread(make_request, facts, self._clock.now())
            async with self._work(EVERY_SITE) as work:
                await audit(
                    work, actor, self._clock.now(), "certificates.requested", subject="certificate",
                    name=facts.names[0][:120], after=facts,
                )  # fmt: skip
                self._store.requests.keep(request, key)
                await work.commit()
        return request

    async def withdraw_request(self, actor: Actor) -> CertificateState:
        """Delete the request that waits, and its key: a certificate made for it is of no use any more.

        Raises:
            NotFoundError: None waits.
        """
        self._require(actor)
        async with self._changing:
            waiting = self._store.requests.read()
            if waiting is None:
                raise NotFoundError("No request waits for its certificate.")
            async with self._work(EVERY_SITE) as work:
                await audit(
                    work, actor, self._clock.now(), "certificates.request_withdrawn", subject="certificate",
                    name=waiting.facts.names[0][:120], before=waiting.facts,
                )  # fmt: skip
                self._store.requests.drop()
                await work.commit()
        return await asyncio.to_thread(self._state)

    async def obtain(self, actor: Actor) -> CertificateState:
        """Have the ACME directory asked at once, however short ago it refused; `state` tells what comes of it.

        Raises:
            ConflictError: The settings name no directory, or another certificate counts.
        """
        self._require(actor)
        if not self._acme.is_configured:
            raise ConflictError("The settings name no ACME directory to ask; set PDM_TLS__ACME__DIRECTORY.")
        if self._store.source in ("settings", "brought"):
            raise ConflictError("Another certificate counts; go back from it first.")
        async with self._work(EVERY_SITE) as work:
            await audit(
                work, actor, self._clock.now(), "certificates.asked_for", subject="certificate",
                name=self._settings.tls.acme.names[0][:120],
            )  # fmt: skip
            await work.commit()
        self._acme.ask_now()
        return await asyncio.to_thread(self._state)

    async def expiries(self) -> tuple[Expiry, ...]:
        """Return what ends, for `pdm_app.services.expiries`."""
        if not self.is_serving:
            return ()
        shown = await asyncio.to_thread(self._store.shown)
        first = min(shown.certificates, key=lambda one: one.valid_until)
        return (
            Expiry(
                kind="certificate",
                id=first.fingerprint,
                name=f"The certificate of HTTPS ({first.subject[:80]})",
                begins_at=first.valid_from,
                ends_at=first.valid_until,
                renews_itself=shown.renews_itself,
                href=PAGE,
            ),
        )

    def _require(self, actor: Actor) -> None:
        actor.require(Permission.SYSTEM_CONFIGURE)
        if actor.scope.sites is not None:
            raise NotFoundError("There is no certificate in your sites.")

    async def _change(
        self, actor: Actor, action: str, prepare: Callable[[], Change], *, is_shown: bool = True
    ) -> CertificateState:
        """Check first, put on record, then change the files: what cannot be recorded is not done."""
        self._require(actor)
        async with self._changing:
            before = await asyncio.to_thread(self._first) if is_shown else None
            change = await asyncio.to_thread(prepare)
            sides = {"before": before, "after": change.after} if is_shown else {"before": change.after}
            async with self._work(EVERY_SITE) as work:
                name = change.after.subject[:120]
                await audit(work, actor, self._clock.now(), action, subject="certificate", name=name, **sides)
                await asyncio.to_thread(change.apply)
                await work.commit()
        log.info("certificate changed", extra={"action": action, "by": actor.name, "to": change.after.fingerprint})
        return await asyncio.to_thread(self._state)

    def _first(self) -> Certificate | None:
        try:
            return self._store.shown().certificates[0]
        except PdmError:
            return None

    def _state(self) -> CertificateState:
        tls = self._settings.tls
        proxies = self._settings.http.trusted_proxies
        shown, problem = None, ""
        try:
            shown = self._store.shown()
        except PdmError as error:  # Without HTTPS there need be none yet; one may be prepared all the same.
            problem = error.message if tls.enabled else ""
        return CertificateState(
            is_served=tls.enabled,
            shown=shown,
            problem=problem,
            given_file=str(tls.certificate or ""),
            names=self._store.more_names(),
            known_names=tuple(self._store.wanted_names(())),
            authority=self._authority(),
            request=self._store.requests.read(),
            previous=self._store.previous(),
            acme=self._acme.state(),
            redirect_port=tls.redirect_port,
            hsts_days=0 if self._settings.demo else tls.hsts_days,
            trusted_proxies=proxies,
        )

    def _authority(self) -> Certificate | None:
        if self._store.source != "own" or not self.is_serving:
            return None
        try:
            return read_certificates(self._store.authority_file.read_text(encoding="ascii"))[0]
        except (OSError, PdmError):
            return None
