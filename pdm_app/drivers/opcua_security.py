"""OPC UA security: which of the endpoints offered is used, what the server must prove, and how a user is named to it.

``security`` "best" takes the strongest endpoint that is offered and none without protection; "none", or the name of a
policy, fixes it, as ``security_mode`` does. The server's certificate is judged before anything is sent under its key. A
password goes out only where nobody on the way can read it, unless the option ``plain_password`` says otherwise.

asyncua's own way would send a password in the clear on a channel that is only signed, whenever the server leaves the
policy of the token empty (which means: the policy of the channel), and would encrypt it for whatever certificate a
server without security shows. Both are decided here.

Source: OPC 10000-4, 5.4.4 (endpoints), 5.7.2 and 5.7.3 (sessions), 6.1 (certificates), 7.40 and 7.41 (tokens).
"""

import asyncio
from collections.abc import Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
    SecurityPolicyNone,
)
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from typing_extensions import override

from pdm_app.domain.connections import Connection, Login
from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.link_security import CertificateRefusedError, KeyPair, LinkMaterial, LinkSecurity, TrustedBy
from pdm_app.domain.ports import Clock
from pdm_app.drivers.certificate_checks import (
    PAGE,
    Shown,
    Vouched,
    fingerprint_of,
    for_application,
    for_host,
    for_server_use,
    in_time,
    trusted,
)
from pdm_app.drivers.connection_rules import OpcuaOptions
from pdm_app.drivers.endpoint import Endpoint, cause

# The strongest first. Basic128Rsa15 and Basic256 rest on SHA-1 and were withdrawn (OPC 10000-7).
POLICIES: dict[str, type[security_policies.SecurityPolicy]] = {
    "Aes256_Sha256_RsaPss": SecurityPolicyAes256Sha256RsaPss,
    "Basic256Sha256": SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": SecurityPolicyAes128Sha256RsaOaep,
}
MODES = {"SignAndEncrypt": ua.MessageSecurityMode.SignAndEncrypt, "Sign": ua.MessageSecurityMode.Sign}
NAME_OF = {policy.URI: name for name, policy in POLICIES.items()}
STRENGTHS = [(mode, policy.URI) for mode in MODES.values() for policy in POLICIES.values()]
OF_THE_USER = frozenset({StatusCodes.BadIdentityTokenRejected, StatusCodes.BadIdentityTokenInvalid,
                         StatusCodes.BadUserAccessDenied})  # fmt: skip
UNNAMED = "urn:pdm-app:collector"  # As whom we go where no certificate is shown.


class SecureClient(Client):
    """asyncua's client, which chooses its endpoint, judges the server, and guards what it says of its user.

    Args:
        connection: Its endpoint and options are used.
        endpoint: Where that is.
        material: Whom to trust, and with what to prove ourselves.
        login: As whom to sign in.
        clock: Tells whether certificates are good now.
    """

    def __init__(
        self, connection: Connection, endpoint: Endpoint, material: LinkMaterial, login: Login | None, clock: Clock
    ) -> None:
        self.options = OpcuaOptions.model_validate(connection.options)
        super().__init__(connection.endpoint, timeout=self.options.timeout_s, watchdog_intervall=3600)
        self.name = self.description = "pdm-app"
        self.application_uri = UNNAMED
        self._connection = connection
        self._endpoint = endpoint
        self._host = self.options.server_name or endpoint.host
        self._material = material
        self._clock = clock
        self._fixed: tuple[ua.MessageSecurityMode, str] | None = None
        self._shown: Shown | None = None
        self._vouched = Vouched(TrustedBy.NOBODY)
        self._ours = ""
        self._uri_of_server = ""
        if login is not None:
            self.set_user(login.username)
            self.set_password(login.password)

    async def open(self) -> None:
        """Reach the server, open a protected channel and sign in.

        Raises:
            CertificateRefusedError: The server's certificate is not accepted.
            ConnectionFailedError: No answer in time, no endpoint is protected as it has to be, or we are not let in.
        """
        whom = f"OPC UA server of {self._connection.name!r}"
        try:
            async with asyncio.timeout(self.options.connect_timeout_s):
                await self._secure()
                await self.connect()
        except CertificateRefusedError as error:
            raise error.told_of(whom, self._connection.id) from None
        except ConnectionFailedError as error:
            raise ConnectionFailedError(f"{whom} {error.message}.", connection_id=self._connection.id) from None
        except (OSError, TimeoutError, UaError, InvalidSignature) as error:
            raise ConnectionFailedError(
                f"{whom} could not be reached at {self._endpoint}: {cause(error)}. {self._advice(error)}",
                connection_id=self._connection.id,
            ) from error

    def _advice(self, error: BaseException) -> str:
        number = getattr(error, "code", None)
        if number in OF_THE_USER:
            return "Set the login of this connection to a user whom the server lets in."
        if self._fixed is not None and not isinstance(error, TimeoutError):
            return (
                "It may not trust the certificate of this program yet: have it trusted there (SHA-256 "
                f"{self._ours}; it can be downloaded on {PAGE}), then it connects by itself."
            )
        return "Check that the server runs, its address and port, and that its certificate policy allows this client."

    def _sign_in_with(self, own: KeyPair) -> None:
        try:
            first, *others = x509.load_pem_x509_certificates(own.certificates.encode())
            self.user_private_key = load_pem_private_key(own.key.encode(), None)
        except ValueError:
            raise ConnectionFailedError(
                "was not asked: the client certificate of the connection cannot be read. Set it anew"
            ) from None
        self.user_certificate, self.user_certificate_chain = first, others

    async def _secure(self) -> None:
        """Choose among the endpoints that are offered, and be ready to open a channel to it."""
        if self._username is None and self._material.own is not None:
            self._sign_in_with(self._material.own)
        if self.options.security == "none":
            return
        asking = Client(self.server_url.geturl(), timeout=self.options.timeout_s)
        offered = await asking.connect_and_get_server_endpoints()
        chosen = self._choice(offered)
        # Ours comes first: whoever has to let us in there can do that while the server's is looked at here.
        application = await self._material.application()
        shown = self._judge(chosen.ServerCertificate or b"", chosen.Server.ApplicationUri)
        ours = x509.load_pem_x509_certificate(application.certificates.encode())
        self._ours = fingerprint_of(ours)
        names = ours.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.application_uri = names.get_values_for_type(x509.UniformResourceIdentifier)[0]
        policy = POLICIES[NAME_OF[chosen.SecurityPolicyUri]](
            shown.leaf, ours, load_pem_private_key(application.key.encode(), None), chosen.SecurityMode
        )
        self.security_policy = policy  # type: ignore[assignment]
        self.uaclient.set_security(policy)
        self._fixed = (chosen.SecurityMode, chosen.SecurityPolicyUri)

    def _choice(self, offered: Sequence[ua.EndpointDescription]) -> ua.EndpointDescription:
        for strength in self._wanted():
            for one in offered:
                if (one.SecurityMode, one.SecurityPolicyUri) == strength and _is_binary(one):
                    return one
        there = sorted({_name_of(one) for one in offered if _is_binary(one)})
        wanted = self.options.security if self.options.security != "best" else "a protected one"
        mode = f" in mode {self.options.security_mode}" if self.options.security_mode != "best" else ""
        raise ConnectionFailedError(
            f"offers {', '.join(there) or 'no endpoint'}, and this connection wants {wanted}{mode}. Switch security on "
            "at the server, or set the option security of this connection to what it has; 'none' means that anybody on "
            "the way can read and change what is sent"
        )

    def _wanted(self) -> list[tuple[ua.MessageSecurityMode, str]]:
        options = self.options
        return [
            (mode, uri)
            for mode, uri in STRENGTHS
            if options.security in ("best", NAME_OF[uri]) and options.security_mode in ("best", mode.name)
        ]

    def _judge(self, blob: bytes, application_uri: str) -> Shown:
        """Hold the server's certificate to all there is, in the order of the standard.

        Raises:
            CertificateRefusedError: Says what is wrong, and what to do.
        """
        shown, now = Shown(blob), self._clock.now()
        self._vouched = trusted(shown, self._material, now)
        in_time(shown, now)
        if self._vouched.by is TrustedBy.AUTHORITY:  # It vouches for many; which of them this is, the name must say.
            for_host(shown, self._host)
        for_application(shown, application_uri)
        for_server_use(shown)
        self._shown = shown
        return shown

    @override
    async def create_session(self) -> ua.CreateSessionResult:
        """Create it, and see to it that what was offered at first was what the server really offers."""
        response = await super().create_session()
        if self._fixed is not None and self.options.security == "best":
            offers = {(one.SecurityMode, one.SecurityPolicyUri) for one in response.ServerEndpoints if _is_binary(one)}
            better = [each for each in self._wanted()[: self._wanted().index(self._fixed)] if each in offers]
            if better:
                raise ConnectionFailedError(
                    f"offers {NAME_OF[better[0][1]]} under protection and did not when it was first asked: somebody on "
                    "the way may have changed the answer. Look at the network between; the option security can fix the "
                    "policy"
                )
        self._uri_of_server = next((one.Server.ApplicationUri for one in response.ServerEndpoints or ()), "")
        return response

    # --- who signs in ---------------------------------------------------------------------------------------------

    @override
    def _add_user_auth(self, params: ua.ActivateSessionParameters, username: str | None, password: str | None) -> None:
        token, uri = self._token(ua.UserTokenType.UserName, "a user name and password")
        named = ua.UserNameIdentityToken()
        named.UserName, named.PolicyId = username, token.PolicyId
        if uri in NAME_OF:
            if self._fixed is None:  # The channel is not protected, so its certificate was nobody's concern until now.
                self._judge(self.security_policy.peer_certificate or b"", self._uri_of_server)
            try:
                named.Password, named.EncryptionAlgorithm = self._encrypt_password(password or "", uri)
            except ValueError:
                raise ConnectionFailedError(
                    "cannot be told this password: it is longer than the server's key encrypts. Use one below 128 "
                    "characters"
                ) from None
        elif self._is_encrypted or self.options.plain_password:
            named.Password = (password or "").encode()
        else:
            raise ConnectionFailedError(
                "would get the password in the clear, for anybody on the way to read: it was not sent. Switch security "
                "on at the server and set the option security to 'best'; only where the network is yours alone, set "
                "the option plain_password"
            )
        params.UserIdentityToken = named

    @override
    def _add_certificate_auth(
        self,
        params: ua.ActivateSessionParameters,
        certificate: x509.Certificate,
        challenge: bytes,
        certificate_chain: list[x509.Certificate] | None = None,
    ) -> None:
        token, uri = self._token(ua.UserTokenType.Certificate, "a client certificate")
        if uri not in NAME_OF:
            raise ConnectionFailedError(
                "wants the client certificate without proof that its key is ours. Switch security on at the server"
            )
        given = ua.X509IdentityToken()
        given.PolicyId = token.PolicyId
        whole = (certificate, *(certificate_chain or ()))
        given.CertificateData = b"".join(one.public_bytes(Encoding.DER) for one in whole)
        signed = security_policies.sign_asymmetric(self.user_private_key, challenge, uri)  # type: ignore[no-untyped-call]
        params.UserIdentityToken = given
        params.UserTokenSignature.Signature, params.UserTokenSignature.Algorithm = signed

    @override
    def _add_anonymous_auth(self, params: ua.ActivateSessionParameters) -> None:
        token, _ = self._token(ua.UserTokenType.Anonymous, "visitors without a name")
        anonymous = ua.AnonymousIdentityToken()
        anonymous.PolicyId = token.PolicyId
        params.UserIdentityToken = anonymous

    def _token(self, kind: ua.UserTokenType, words: str) -> tuple[ua.UserTokenPolicy, str]:
        """Return the strongest way in of a kind that the endpoint has, and the policy it really means."""
        ways = [(one, one.SecurityPolicyUri or self.security_policy.URI) for one in self._policy_ids or ()
                if one.TokenType == kind]  # fmt: skip
        if not ways:
            others = ", ".join(sorted({one.TokenType.name for one in self._policy_ids or ()})) or "nobody"
            raise ConnectionFailedError(
                f"does not let in {words} at this endpoint. It takes {others}; set the login of this connection so"
            )
        strongest = list(NAME_OF)
        return min(ways, key=lambda way: strongest.index(way[1]) if way[1] in NAME_OF else len(strongest))

    @property
    def _is_encrypted(self) -> bool:
        return bool(self.security_policy.Mode == ua.MessageSecurityMode.SignAndEncrypt)

    @property
    def security_in_force(self) -> LinkSecurity:
        """What protects the channel."""
        user = "password" if self._username else "certificate" if self.user_certificate else "anonymous"
        shown = self._shown
        if self._fixed is None or shown is None:
            return LinkSecurity(encrypted=False, protocol="OPC UA", policy="None", mode="None", user=user)
        return LinkSecurity(
            encrypted=self._is_encrypted,
            signed=True,
            protocol="OPC UA",
            policy=NAME_OF[self._fixed[1]],
            mode=self._fixed[0].name,
            user=user,
            peer=shown.fingerprint,
            peer_subject=shown.subject,
            peer_until=shown.until,
            trusted_by=self._vouched.by,
            anchor=self._vouched.anchor,
        )


def _is_binary(endpoint: ua.EndpointDescription) -> bool:
    return bool((endpoint.EndpointUrl or "").startswith("opc.tcp"))


def _name_of(endpoint: ua.EndpointDescription) -> str:
    policy = (endpoint.SecurityPolicyUri or SecurityPolicyNone.URI).rpartition("#")[2]
    return policy if policy == "None" else f"{policy} in mode {endpoint.SecurityMode.name}"
