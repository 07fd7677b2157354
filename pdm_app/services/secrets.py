"""Sealing what must be stored encrypted: AES-256-GCM under the installation's master key.

The key comes from the environment, a file only its owner may read, or a systemd credential; `KeyRing` holds it with
the keys of before, which still open what they sealed until `SecretStore.reseal` has sealed it anew. Text form:
``v1.<key id>.<base64url of nonce and ciphertext>``; the nonce is 96 random bits per value, and the key id, purpose
and record id are authenticated with it.

Source: NIST SP 800-38D (GCM; random nonces up to 2^32 values per key, far beyond what a plant keeps).
"""

import base64
import binascii
import hashlib
import logging
import os
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from pdm_app.domain.errors import FieldIssue, InvalidInputError, PdmError
from pdm_app.domain.secrets import PLAIN_BYTES_MAX, SealError
from pdm_app.services.private_files import write_private

log = logging.getLogger(__name__)

KEY_BYTES = 32
NONCE_BYTES = 12
KEYS_MAX = 16
FORM = "v1"
KEY_FILE = "secret_keys"
CREDENTIAL = "pdm_secret_keys"
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"  # Set by systemd for LoadCredential= and LoadCredentialEncrypted=.
OTHERS = 0o077


class MasterKeyError(PdmError):
    """The master key is missing, malformed or readable by others; says where it was looked for."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key and the name it goes by: a hash, from which nothing of the key can be told."""

    id: str
    cipher: AESGCM


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the keys come from, as a person reads it; ``path`` where it is a file that may change."""

    words: str
    path: Path | None = None
    is_ours: bool = False  # The file in the data directory, which the program may write itself.


class KeyRing:
    """The keys of the installation, the first of which seals; implements `pdm_app.domain.secrets.Sealer`.

    A key file that was changed by another process is read again before the next value is sealed, and when a value
    names a key that is not known yet.
    """

    def __init__(self, keys: Sequence[MasterKey], source: KeySource) -> None:
        self._keys = tuple(keys)
        self.source = source
        self._stamp = _stamp(source.path)

    @property
    def key_id(self) -> str:
        """Name of the key that seals now."""
        self._refresh()
        return self._keys[0].id

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Names of all keys, the sealing one first."""
        self._refresh()
        return tuple(key.id for key in self._keys)

    def seal(self, plain: str, *, purpose: str, record_id: str) -> str:
        """Return text that only `open` with the same ``purpose`` and ``record_id`` turns back."""
        given = plain.encode()
        if len(given) > PLAIN_BYTES_MAX:
            problem = f"has {len(given)} bytes, more than the {PLAIN_BYTES_MAX} that are kept"
            raise InvalidInputError(f"The secret {problem}.", [FieldIssue("secret", problem, "use a shorter one")])
        self._refresh()
        key = self._keys[0]
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, given, _bound_to(key.id, purpose, record_id))
        return f"{FORM}.{key.id}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, *, purpose: str, record_id: str) -> str:
        """Return what was sealed.

        Raises:
            SealError: Says which key is missing, or that the value was changed or moved.
        """
        what = f"The secret of {purpose} {record_id!r}"
        form, _, rest = sealed.partition(".")
        key_id, _, text = rest.partition(".")
        if form != FORM:
            raise SealError(f"{what} is not in a form this version reads. Enter the secret again.")
        key = self._find(key_id)
        if key is None:
            raise SealError(
                f"{what} was sealed with the key {key_id[:16]!r}, and {self.source.words} has "
                f"{', '.join(self.key_ids)}. Give the key back, or enter the secret again.",
                key_id=key_id[:16],
            )
        try:
            whole = base64.urlsafe_b64decode(text)
            plain = key.cipher.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], _bound_to(key_id, purpose, record_id))
        except (InvalidTag, ValueError):  # binascii.Error is a ValueError, as is a nonce cut short.
            raise SealError(
                f"{what} was changed in the database, or belongs to another record. Enter the secret again.",
                key_id=key_id,
            ) from None
        return plain.decode()

    def add_key(self) -> str:
        """Put a new key in front of those in our own file, at once for every process, and return its name.

        Raises:
            MasterKeyError: The file is full of keys that are still in use, or not ours.
        """
        words = self._own_words()
        if len(words) >= KEYS_MAX:
            raise MasterKeyError(f"{self.source.words} holds {len(words)} keys, all in use. Rotate once more later.")
        self._write([new_key(), *words])
        return self.key_id

    def drop_unused(self, used: Collection[str]) -> tuple[str, ...]:
        """Remove keys from our own file that no secret needs, and return their names.

        The newest one before the present stays: another process may be about to store what it has just sealed with it.
        """
        words = self._own_words()
        keys = read_keys("\n".join(words), self.source.words)
        keep = [place < 2 or key.id in used for place, key in enumerate(keys)]
        if not all(keep):
            self._write([word for word, kept in zip(words, keep, strict=True) if kept])
        return tuple(key.id for key, kept in zip(keys, keep, strict=True) if not kept)

    def _own_words(self) -> list[str]:
        if not self.source.is_ours or self.source.path is None:
            raise MasterKeyError(f"{self.source.words} is not the program's own to change.")
        return _read_private(self.source.path).replace(",", " ").split()

    def _write(self, words: Sequence[str]) -> None:
        assert self.source.path is not None  # noqa: S101 - `_own_words` has seen to it
        write_private(self.source.path, "\n".join(words) + "\n")
        self._refresh()

    def _find(self, key_id: str) -> MasterKey | None:
        found = next((key for key in self._keys if key.id == key_id), None)
        if found is None:
            self._refresh()
            found = next((key for key in self._keys if key.id == key_id), None)
        return found

    def _refresh(self) -> None:
        stamp = _stamp(self.source.path)
        if stamp != self._stamp and stamp is not None and self.source.path is not None:
            self._keys = read_keys(_read_private(self.source.path), self.source.words)
            self._stamp = stamp


def key_ring(data_dir: Path, given: SecretStr | None = None, file: Path | None = None) -> KeyRing:
    """Find the master key: setting, named file, systemd credential, else a file in the data directory.

    Only the last is made where it does not exist yet.

    Raises:
        MasterKeyError: Missing, malformed, or readable by others.
    """
    if given is not None:
        source = KeySource("PDM_SECRETS__KEY")
        return KeyRing(read_keys(given.get_secret_value(), source.words), source)
    credentials = os.environ.get(CREDENTIALS_VARIABLE)
    credential = Path(credentials) / CREDENTIAL if credentials else None
    if file is None and credential is not None and credential.is_file():
        source = KeySource(f"the systemd credential {CREDENTIAL}", credential)
    elif file is not None:
        source = KeySource(f"the key file {file}", file)
    else:
        source = KeySource(f"the key file {data_dir / KEY_FILE}", data_dir / KEY_FILE, is_ours=True)
        if not (data_dir / KEY_FILE).exists():
            write_private(data_dir / KEY_FILE, new_key() + "\n", replace=False)
    assert source.path is not None  # noqa: S101 - each of the three above names one
    return KeyRing(read_keys(_read_private(source.path), source.words), source)


def new_key() -> str:
    """Return a fresh key as it is written in a file or a variable."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_keys(text: str, source: str) -> tuple[MasterKey, ...]:
    """Read keys, one a line or separated by commas, the sealing one first.

    Raises:
        MasterKeyError: Says which of them cannot be used, and never what it is.
    """
    words = text.replace(",", " ").split()
    if not 1 <= len(words) <= KEYS_MAX:
        raise MasterKeyError(
            f"The master key in {source} cannot be used: {len(words)} keys are there, 1 to {KEYS_MAX} are expected. "
            "`openssl rand -base64 32` makes one."
        )
    return tuple(_key(word, place, source) for place, word in enumerate(words, 1))


def _key(word: str, place: int, source: str) -> MasterKey:
    try:
        raw = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise MasterKeyError(
            f"Key {place} in {source} is not {KEY_BYTES} bytes in base64. `openssl rand -base64 32` makes a good one; "
            "a key that was cut or mistyped opens nothing, so take it from your copy."
        )
    return MasterKey(key_name(raw), AESGCM(raw))


def key_name(raw: bytes) -> str:
    """Name a key without telling anything about it."""
    return hashlib.sha256(b"pdm_app master key\0" + raw).hexdigest()[:12]


def _bound_to(key_id: str, purpose: str, record_id: str) -> bytes:
    """Join what is authenticated with the value, so that no two different triples join to the same bytes."""
    return b"\0".join(part.encode() for part in (FORM, key_id, purpose, record_id))


def _read_private(path: Path) -> str:
    """Read a key file.

    Raises:
        MasterKeyError: Missing, unreadable, or open to others.
    """
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & OTHERS and not _is_credential(path):
            raise MasterKeyError(
                f"The key file {path} may be read by others (mode {mode & 0o777:04o}). "
                f"Run `chmod 600 {path}`; if others have had access, make a new key with `pdm-app secret rotate-key`."
            )
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise MasterKeyError(
            f"The key file {path} cannot be read: {error.strerror}. It opens every stored password: "
            "put it back from your copy, or correct PDM_SECRETS__KEY_FILE."
        ) from None
    except UnicodeDecodeError:
        raise MasterKeyError(f"The key file {path} is not a key in base64. Put it back from your copy.") from None


def _is_credential(path: Path) -> bool:
    """Say whether systemd keeps the file: its folder is closed to others, whatever the mode of the file."""
    folder = os.environ.get(CREDENTIALS_VARIABLE)
    return folder is not None and path.parent == Path(folder)


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """Tell one content of a file from another; None where there is none."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
