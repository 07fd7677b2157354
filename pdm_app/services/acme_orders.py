"""One order at an ACME directory, from the account to the certificate; blocking, for a thread of its own.

The library does nonces, signatures and retries; here stands what is ordered, how long it may take, and what a fault
means to the person who reads it.

Source: RFC 8555; RFC 8738 (addresses as names).
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import josepy
import requests
from acme import challenges, errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from pdm_app.domain.acme import AcmeSettings
from pdm_app.domain.errors import PdmError, UnavailableError
from pdm_app.services.acme_challenges import Challenges
from pdm_app.services.certificate_requests import request_pem
from pdm_app.services.private_files import write_private

log = logging.getLogger(__name__)

ACCOUNT_KEY = "acme-account.key"
CALL_S_MAX = 15
ORDER_S_MAX = 180.0
POLL_S = 1.0
NONCES_MAX = 6
BODY_MAX = 400  # Characters of what a directory says that are repeated to people.
AGENT = "pdm_app"


class AcmeError(UnavailableError):
    """The directory gave no certificate; says who, what came back, and what to do. The one in use stays."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """A key and its certificates, the server's first; in PEM."""

    key: str
    certificates: str


def obtain(settings: AcmeSettings, folder: Path, open_questions: Challenges, stop: Event) -> Obtained:
    """Order a certificate and wait for it.

    Args:
        settings: The directory, the names, and who asks.
        folder: Where the key of the account is kept; it is made with the first order.
        open_questions: What the directory asks on port 80 is answered from.
        stop: Set from outside to give up within seconds.

    Raises:
        AcmeError: Nothing came of it.
    """
    with _told_in_words(settings):
        account = JWKEC(key=_account_key(folder / ACCOUNT_KEY))
        with _network(settings, account) as network:
            client = ClientV2(ClientV2.get_directory(settings.directory, network), network)
            _enter(client, settings, account)
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([])  # The names are in subjectAltName; a common name is refused by some directories.
            order = client.new_order(request_pem(key, settings.names, subject).encode())
            try:
                _prove(client, account, order, open_questions, stop)
                chain = _finished(client, order, stop)
            finally:
                open_questions.clear()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Obtained(key=private.decode(), certificates=chain)


class Network(ClientNetwork):
    """Tries anew with a fresh nonce as often as a directory of several servers may ask for it, not only once."""

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for _ in range(NONCES_MAX - 1):
            try:
                return super()._post_once(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return super()._post_once(*args, **kwargs)


@contextmanager
def _network(settings: AcmeSettings, key: JWKEC) -> Iterator[Network]:
    network = Network(key, alg=ES256, user_agent=AGENT, timeout=CALL_S_MAX)
    if settings.ca_file is not None:
        network.verify_ssl = str(settings.ca_file)  # type: ignore[assignment]  # Handed on to requests, which takes it.
    try:
        yield network
    finally:
        network.session.close()


def _account_key(file: Path) -> ec.EllipticCurvePrivateKey:
    if not file.exists():
        made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(file, made.decode(), replace=False)
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AcmeError(f"The account key {file} is none that was made here. Delete it; another account is opened.")
    return key


def _enter(client: ClientV2, settings: AcmeSettings, key: JWKEC) -> None:
    """Open an account, or find the one that belongs to the key."""
    terms = getattr(client.directory.meta, "terms_of_service", None) if "meta" in client.directory.to_json() else None
    if terms and not settings.terms_agreed:
        raise AcmeError(
            f"The directory {settings.directory} has terms: {terms}. Read them, and set PDM_TLS__ACME__TERMS_AGREED."
        )
    binding = None
    if settings.external_key is not None:
        binding = messages.ExternalAccountBinding.from_data(
            key.public_key(), settings.external_key_id, settings.external_key.get_secret_value(),
            client.directory,
        )  # fmt: skip
    elif client.external_account_required():
        raise AcmeError(
            f"The directory {settings.directory} wants an external account. Ask its operator for a key id and a key, "
            "and set PDM_TLS__ACME__EXTERNAL_KEY_ID and PDM_TLS__ACME__EXTERNAL_KEY."
        )
    account = messages.NewRegistration.from_data(
        email=settings.mail or None, terms_of_service_agreed=settings.terms_agreed, external_account_binding=binding
    )
    try:
        client.new_account(account)
    except errors.ConflictError as known:
        client.net.account = messages.RegistrationResource(body=messages.Registration(), uri=known.location)


def _prove(
    client: ClientV2, key: JWKEC, order: messages.OrderResource, open_questions: Challenges, stop: Event
) -> None:
    """Answer what the directory asks for each name, and wait for its verdicts."""
    waiting = [one for one in order.authorizations if one.body.status != messages.STATUS_VALID]
    for authorization in waiting:
        name = authorization.body.identifier.value
        question = next(
            (one for one in authorization.body.challenges if isinstance(one.chall, challenges.HTTP01)), None
        )
        if question is None:
            raise AcmeError(f"The directory proves {name} in other ways than over HTTP, which is the one known here.")
        response, answer = question.chall.response_and_validation(key)
        open_questions.put(question.chall.encode("token"), answer)
        client.answer_challenge(question, response)
    for authorization in waiting:

        def verdict(asked: messages.AuthorizationResource = authorization) -> bool:
            body = client.poll(asked)[0].body
            if body.status not in (messages.STATUS_PENDING, messages.STATUS_VALID):
                raise errors.ValidationError([messages.AuthorizationResource(body=body, uri=asked.uri)])
            return bool(body.status == messages.STATUS_VALID)

        _until(verdict, stop)


def _finished(client: ClientV2, order: messages.OrderResource, stop: Event) -> str:
    """Send the request and return the certificates."""
    client.begin_finalization(order)
    found = ""

    def ready() -> bool:
        nonlocal found
        body = messages.Order.from_json(client._post_as_get(order.uri).json())
        if body.status == messages.STATUS_INVALID:
            raise body.error or errors.Error("the order became invalid")
        if body.status == messages.STATUS_VALID and body.certificate:
            found = client._post_as_get(body.certificate).text
        return bool(found)

    _until(ready, stop)
    return found


def _until(condition: Callable[[], bool], stop: Event) -> None:
    deadline = time.monotonic() + ORDER_S_MAX
    while not condition():
        if stop.wait(POLL_S):
            raise AcmeError("The order was given up because the program ends.")
        if time.monotonic() > deadline:
            raise errors.TimeoutError


@contextmanager
def _told_in_words(settings: AcmeSettings) -> Iterator[None]:
    """Turn what the library and the network say into who, what, and what to do."""
    who = f"The ACME directory {settings.directory}"
    try:
        yield
    except PdmError:
        raise
    except requests.exceptions.SSLError as error:
        fix = "If its authority is private, name its PEM file in PDM_TLS__ACME__CA_FILE."
        raise AcmeError(f"{who} shows a certificate that is not trusted: {_short(error)}. {fix}") from None
    except (requests.exceptions.RequestException, OSError) as error:
        fix = "Check the address, and that this machine may reach it."
        raise AcmeError(f"{who} does not answer: {_short(error)}. {fix}") from None
    except errors.ValidationError as error:
        raise AcmeError(f"{who} {_unproved(error)}") from None
    except messages.Error as error:
        raise AcmeError(f"{who} refused: {_short(error.detail or error.typ)} ({error.code or error.typ}).") from None
    except errors.TimeoutError:
        raise AcmeError(f"{who} had not decided after {ORDER_S_MAX:g} s. It is asked again later.") from None
    except Exception as error:  # What a foreign server sends must not end this one.
        if not isinstance(error, errors.Error | josepy.errors.Error | KeyError | AttributeError | ValueError):
            log.exception("an answer of the ACME directory was not foreseen")
        fix = "Check that the address is that of a directory, as its operator gives it."
        raise AcmeError(f"{who} answers unlike one: {_short(error)}. {fix}") from None


def _unproved(error: errors.ValidationError) -> str:
    failed = error.failed_authzrs[0].body
    name = failed.identifier.value
    said = next((one.error.detail for one in failed.challenges if one.error is not None), "")
    return (
        f"could not see that {name} is this machine: {_short(said)}. It must reach http://{name} on port 80, and that "
        "port must lead to PDM_TLS__REDIRECT_PORT of this program."
    )


def _short(said: object) -> str:
    words = " ".join(str(said).split())
    return words if len(words) <= BODY_MAX else f"{words[:BODY_MAX]}…"
