"""An OPC UA server in this process that can show another certificate while it runs."""

import logging
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.counterparts.device_certificates import Pair, made

URI = "urn:plant:press-07"
USER, PASSWORD = "collector", "copper-lantern-4711"
EVERY_POLICY = (
    ua.SecurityPolicyType.NoSecurity,
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
)


def shown_by_server(**settings: Any) -> Pair:
    """A certificate as an OPC UA server makes it."""
    return made(**{"name": "press-07", "uri": URI, **settings})


class KnownUsers(UserManager):
    """Lets in one user by password, and one by certificate."""

    def __init__(self) -> None:
        self.certificate: bytes | None = None
        self.came: list[str] = []

    def get_user(
        self, iserver: InternalServer, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        by_name = username is not None and (username, password) == (USER, PASSWORD)
        by_certificate = username is None and self.certificate is not None and certificate == self.certificate
        nobody = username is None and self.certificate is None
        self.came.append("password" if by_name else "certificate" if by_certificate else "anonymous")
        return User(role=UserRole.User) if by_name or by_certificate or nobody else None


class SecuredServer:
    """A server with one counter; ``port`` is where it listens."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.users = KnownUsers()
        self.server = Server(user_manager=self.users)

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    async def start(self, shown: Pair) -> None:
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        await self.server.init()
        self.server.set_endpoint(self.endpoint)
        await self.server.set_application_uri(URI)
        await self.server.register_namespace("urn:test")
        node = ua.NodeId.from_string("ns=2;s=Counter")
        await self.server.nodes.objects.add_variable(node, "Counter", 1.0)
        self.server.iserver.certificate, self.server.iserver.private_key = shown.certificate, shown.private_key
        self.server.set_security_policy(list(EVERY_POLICY))
        self.server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken, ua.X509IdentityToken])
        await self.server.start()
        self._all = list(self.server.iserver.endpoints)
        self._policies = list(self.server._policies)

    def show(self, shown: Pair) -> None:
        """Show another certificate to whoever connects from now on."""
        self.server.iserver.certificate, self.server.iserver.private_key = shown.certificate, shown.private_key
        for endpoint in self._all:
            endpoint.ServerCertificate = shown.der
        for policy in self._policies:
            if policy.certificate is not None:
                policy.certificate, policy.private_key = shown.certificate, shown.private_key

    def offer(self, *names: str) -> None:
        """Offer only these of the endpoints, by policy, or policy and mode; all without a name."""

        def is_meant(endpoint: ua.EndpointDescription) -> bool:
            policy = (endpoint.SecurityPolicyUri or "").rpartition("#")[2]
            return not names or policy in names or f"{policy}/{endpoint.SecurityMode.name}" in names

        self.server.iserver.endpoints[:] = [one for one in self._all if is_meant(one)]

    def let_in(self, certificate: x509.Certificate | None) -> None:
        """Let in only the user with this certificate; anybody for None."""
        self.users.certificate = certificate.public_bytes(Encoding.DER) if certificate is not None else None

    async def stop(self) -> None:
        await self.server.stop()
