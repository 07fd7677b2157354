"""The certificate with which this program proves itself to OPC UA servers: one per installation, signed by itself.

It is made when the first connection needs it. Servers are told to trust it once, so it lasts for years, and is renewed
by a person who then tells them again.

Source: OPC 10000-6, 6.2.2 (application instance certificates).
"""

import asyncio
import secrets
import socket
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.link_security import KeyPair
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import Micros, moment
from pdm_app.services.private_files import write_private

FOLDER = "opcua"
FILE = "application.pem"
DAYS = 5 * 365
CLOCKS_APART = timedelta(days=1)  # A controller whose clock is behind by less than this accepts a fresh certificate.
KEY_BITS = 2048  # What every policy takes; controllers need seconds for longer ones.
END_OF_KEY = "-----END PRIVATE KEY-----\n"


class ApplicationIdentity:
    """The certificate and its key, in one file of mode 0600 in the data directory."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._file = data_dir / FOLDER / FILE
        self._clock = clock
        self._making = asyncio.Lock()
        self._pair: KeyPair | None = None

    async def pair(self) -> KeyPair:
        """Return certificate and key; they are made now if there are none.

        Raises:
            UnavailableError: The file cannot be read or written.
        """
        async with self._making:
            if self._pair is None:
                self._pair = await asyncio.to_thread(self._read_or_make)
            return self._pair

    async def known(self) -> KeyPair | None:
        """Return what is there, without making anything."""
        return await self.pair() if self._pair is not None or self._file.exists() else None

    async def renew(self) -> KeyPair:
        """Make a new certificate with a new key, under the same name.

        Raises:
            UnavailableError: The file cannot be read or written.
        """
        async with self._making:
            self._pair = await asyncio.to_thread(self._renewed)
            return self._pair

    def _read_or_make(self) -> KeyPair:
        try:
            if not self._file.exists():
                host = socket.gethostname()
                self._write(f"urn:{host}:pdm_app:{secrets.token_hex(8)}", replace=False)
            return self._read()
        except (OSError, ValueError) as error:
            raise self._unusable(error) from error

    def _renewed(self) -> KeyPair:
        try:
            uri = uri_of(self._read().certificates) if self._file.exists() else None
            self._write(uri or f"urn:{socket.gethostname()}:pdm_app:{secrets.token_hex(8)}", replace=True)
            return self._read()
        except (OSError, ValueError) as error:
            raise self._unusable(error) from error

    def _read(self) -> KeyPair:
        key, ends, certificate = self._file.read_text(encoding="ascii").partition(END_OF_KEY)
        if not ends:
            raise ValueError("it does not begin with a private key")
        x509.load_pem_x509_certificate(certificate.encode())
        return KeyPair(certificate, key + ends)

    def _write(self, uri: str, *, replace: bool) -> None:
        pair = make_application(self._clock.now(), uri, socket.gethostname())
        write_private(self._file, pair.key + pair.certificates, replace=replace)

    def _unusable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"The certificate of this program for OPC UA cannot be used: {error}. Put {FOLDER}/{FILE} of the data "
            "directory back from a copy, or delete it to have a new one made, which every server has to trust anew."
        )


def make_application(at: Micros, uri: str, host: str) -> KeyPair:
    """Make a certificate for an OPC UA client, signed by its own key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"pdm_app on {host}"[:64])])
    now = moment(at).replace(microsecond=0)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri)]
    try:
        names.append(x509.DNSName(host))
    except ValueError:
        pass  # A host may be called what no DNS name may be; servers ask for the URI.
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_cert_sign=True,  # Asked of a certificate that is its own issuer.
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + timedelta(days=DAYS))
        .public_key(public)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode())


def uri_of(pem: str) -> str | None:
    """Return the name of the application in a certificate."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), None)
