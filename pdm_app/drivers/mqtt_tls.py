"""TLS towards an MQTT broker: what it must prove, judged before anything is sent to it.

OpenSSL verifies chain, time and name; beside that, a certificate that is trusted as itself vouches for no other one,
even where it says of itself that it is an authority, and a rejected one is refused whoever has signed it. With the
option ``pin`` the one certificate with that fingerprint is accepted, and its name and issuer do not matter.

Source: RFC 5246 and 8446; RFC 6125 (names); Python's ``ssl``.
"""

import socket
import ssl
from dataclasses import dataclass
from typing import Any

from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.link_security import CertificateRefusedError, KeyPair, LinkMaterial, LinkSecurity, TrustedBy
from pdm_app.domain.ports import Clock
from pdm_app.drivers.certificate_checks import Shown, Vouched, for_host, in_time
from pdm_app.drivers.endpoint import Endpoint
from pdm_app.drivers.key_files import key_files

# Of X509_V_ERR_… in OpenSSL's x509_vfy.h.
TOO_EARLY, ENDED = 9, 10
WRONG_NAMES = frozenset({62, 64})
NOT_OF_THIS_USE = 26


@dataclass(frozen=True, slots=True)
class Demands:
    """What a broker has to prove.

    Attributes:
        name: Host name or address that its certificate must be made out to.
        pin: Fingerprint of the only certificate that is accepted; empty for those that are trusted.
        public: Authorities of the operating system vouch as well.
    """

    name: str
    pin: str
    public: bool
    material: LinkMaterial
    clock: Clock


class TlsLink:
    """Makes the TLS context of one attempt, explains what went wrong in it, and says what came of it."""

    def __init__(self, connection: Connection, endpoint: Endpoint, material: LinkMaterial, clock: Clock) -> None:
        options = connection.options
        self._endpoint = endpoint
        self._demands = Demands(
            name=str(options.get("server_name") or endpoint.host),
            pin=str(options.get("pin") or "").upper(),
            public=bool(options.get("public_authorities")),
            material=material,
            clock=clock,
        )
        self._own = material.own
        self._context: _Context | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context that the client wraps its socket with.

        Raises:
            ConnectionFailedError: The own certificate cannot be used.
        """
        self._context = context = _Context(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.demands = demands = self._demands
        if demands.pin:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # `_Socket` compares the fingerprint in its stead.
        else:
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            known = [*demands.material.certificates.values(), *demands.material.authorities.values()]
            if known:
                context.load_verify_locations(cadata="\n".join(known))
            if demands.public:
                context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        if self._own is not None:
            _show_own(context, self._own)
        return context

    def explained(self, error: BaseException, timeout_s: float) -> ConnectionFailedError | None:
        """Say why a handshake failed; None where that was not the certificate. Blocks; asks the broker once more."""
        if isinstance(error, CertificateRefusedError):
            return error
        alert = self._context.link.alert if self._context is not None and self._context.link is not None else None
        if alert is not None:
            advice = "may not accept the client certificate" if self._own else "may ask for a client certificate"
            return ConnectionFailedError(
                f"ended the connection after TLS was agreed on: {_reason(alert)}. It {advice} of this connection; look "
                "into its log"
            )
        if not isinstance(error, ssl.SSLError):
            return None
        if not isinstance(error, ssl.SSLCertVerificationError):
            return ConnectionFailedError(f"did not agree on TLS: {_reason(error)}")
        shown = self._ask_again(timeout_s)
        if shown is None:
            return CertificateRefusedError(f"shows a certificate that is not accepted: {error.verify_message}")
        return self._judged(error, shown)

    def _judged(self, error: ssl.SSLCertVerificationError, shown: Shown) -> CertificateRefusedError:
        demands = self._demands
        if shown.fingerprint in demands.material.rejected:
            return shown.rejected()
        try:
            if error.verify_code in (TOO_EARLY, ENDED):
                in_time(shown, demands.clock.now())
            if error.verify_code in WRONG_NAMES:
                for_host(shown, demands.name)
        except CertificateRefusedError as refused:
            return refused
        if error.verify_code in (TOO_EARLY, ENDED, NOT_OF_THIS_USE, *WRONG_NAMES):
            said = f"shows the certificate {shown.subject!r}, which is not accepted: {error.verify_message}"
            return shown.refused(said)
        return shown.unknown()

    def _ask_again(self, timeout_s: float) -> Shown | None:
        """Fetch the certificate without believing it: the library gives none away of a handshake that failed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            if self._own is not None:
                _show_own(context, self._own)
            address = (self._endpoint.host, self._endpoint.port)
            with socket.create_connection(address, timeout_s) as plain:  # noqa: SIM117 - the outer one is closed as well.
                with context.wrap_socket(plain, server_hostname=self._demands.name) as link:
                    return Shown(link.getpeercert(binary_form=True) or b"")
        except (OSError, ConnectionFailedError):
            return None

    def security(self, link: Any, user: str) -> LinkSecurity:
        """Say what protects a link that stands."""
        if not isinstance(link, _Socket):
            return LinkSecurity(encrypted=False, user=user)
        shown = Shown(link.getpeercert(binary_form=True) or b"")
        cipher = link.cipher()
        return LinkSecurity(
            encrypted=True,
            signed=True,
            protocol=link.version() or "TLS",
            policy=cipher[0] if cipher else "",
            user=user,
            peer=shown.fingerprint,
            peer_subject=shown.subject,
            peer_until=shown.until,
            trusted_by=link.vouched.by,
            anchor=link.vouched.anchor,
        )


class _Socket(ssl.SSLSocket):
    """A TLS socket that is not open for use before the broker has proved what is demanded."""

    vouched = Vouched(TrustedBy.NOBODY)
    alert: ssl.SSLError | None = None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read; what the broker has against us comes here, after a handshake that went well (RFC 8446, 4.4)."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.alert = error
            raise

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
            self._judge(self.context.demands)  # type: ignore[attr-defined]
        except BaseException:
            self.close()
            raise

    def _judge(self, demands: Demands) -> None:
        shown = Shown(self.getpeercert(binary_form=True) or b"")
        if shown.fingerprint in demands.material.rejected:
            raise shown.rejected()
        if demands.pin:
            if shown.fingerprint != demands.pin:
                raise shown.refused(
                    f"shows the certificate {shown.subject!r} (SHA-256 {shown.fingerprint}), and the option pin wants "
                    f"{demands.pin}. If it was renewed on purpose, set the option to the new one"
                )
            in_time(shown, demands.clock.now())
            self.vouched = Vouched(TrustedBy.PIN)
        else:
            self.vouched = _vouched(shown, _chain(self), demands)


def _vouched(shown: Shown, chain: list[Shown], demands: Demands) -> Vouched:
    material = demands.material
    if any(one.fingerprint in material.rejected for one in chain):
        raise shown.rejected()
    if shown.fingerprint in material.certificates or shown.fingerprint in material.authorities:
        return Vouched(TrustedBy.CERTIFICATE, shown.fingerprint)
    anchor = chain[-1].fingerprint
    if anchor in material.authorities:
        return Vouched(TrustedBy.AUTHORITY, anchor)
    if anchor in material.certificates or not demands.public:
        raise shown.unknown()
    return Vouched(TrustedBy.SYSTEM, anchor)


def _chain(link: ssl.SSLSocket) -> list[Shown]:
    """Return what OpenSSL has verified, from the broker's certificate to the one that is trusted."""
    found: Any
    if hasattr(link, "get_verified_chain"):  # Python 3.13 on.
        found = link.get_verified_chain()
    else:
        found = [one.public_bytes(2) for one in link._sslobj.get_verified_chain()]  # type: ignore[attr-defined]
    return [Shown(bytes(der)) for der in found]


class _Context(ssl.SSLContext):
    """A context that knows by what name the broker must prove itself; the client only knows where to find it."""

    sslsocket_class = _Socket
    demands: Demands
    link: _Socket | None = None

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        link = super().wrap_socket(sock, *args, **{**kwargs, "server_hostname": self.demands.name})
        self.link = link if isinstance(link, _Socket) else None
        return link


def _show_own(context: ssl.SSLContext, own: KeyPair) -> None:
    try:
        with key_files(own) as (certificate, key):
            context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ConnectionFailedError(
            f"was not asked: the client certificate of the connection cannot be used ({_reason(error)}). Set it anew"
        ) from None


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).lower().replace("_", " ")
