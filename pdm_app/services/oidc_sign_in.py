"""Sign-in with an OpenID Connect provider: from our button to theirs, and back with a proof.

What is asked is remembered in memory: which provider, with which nonce and verifier, and for which browser, which holds
the other half in a cookie. An answer is taken once, by the browser that asked, at the address of the provider that was
asked, within ten minutes. Where nothing fits, nobody learns why from the page; the log says it.
"""

import hmac
import logging
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.directories import DirectoryAwayError, DirectoryRefusedError, Doors, OidcDoor
from pdm_app.domain.errors import NotFoundError, PdmError, TooManyAttemptsError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.arrivals import Arrival, Arrivals
from pdm_app.services.auditing import audit, stranger
from pdm_app.services.directory_people import DirectoryPeople, NotAdmittedError
from pdm_app.services.origins import network_of
from pdm_app.services.rates import Rate
from pdm_app.services.sessions import SessionBook
from pdm_app.services.sign_in import DONE_THERE, Progress, SignIn, Visit
from pdm_app.services.tokens import token_hash

log = logging.getLogger(__name__)

LIFE_S = 600
QUESTIONS_MAX = 10_000  # Beyond this the oldest is forgotten, and its owner begins again.
BEGUN_PER_MINUTE = 300  # From one address: the next ones would push out what others have begun, and fill the trail.
STATE_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
CODE_CHARACTERS_MAX = 4_096

Refusal = Literal["stale", "cancelled", "unproven", "away", "no_rule", "unknown", "deactivated", "failed"]


@dataclass(frozen=True, slots=True)
class Question:
    """A sign-in under way at a provider."""

    directory_id: str
    redirect_uri: str
    nonce: str
    verifier: str
    binding_hash: str
    next_path: str
    at: Micros


@dataclass(frozen=True, slots=True)
class Going:
    """Where the browser goes, and what it keeps meanwhile: ``binding`` in a cookie of its own per ``state``."""

    address: str
    state: str
    binding: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brings back; anything."""

    state: str = ""
    code: str = ""
    iss: str | None = None
    error: str = ""
    binding: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """How it ended: with progress, or refused for a reason that the page has words for."""

    next_path: str
    progress: Progress | None = None
    refusal: Refusal | None = None
    directory: str = ""


class OidcSignIn:
    """One per process: what is under way is in memory."""

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        doors: Doors,
        people: DirectoryPeople,
        arrivals: Arrivals,
        sign_in: SignIn,
        sessions: SessionBook,
    ) -> None:
        self._work = work
        self._clock = clock
        self._doors = doors.oidc
        self._people = people
        self._arrivals = arrivals
        self._sign_in = sign_in
        self._sessions = sessions
        self._begun = Rate(clock, BEGUN_PER_MINUTE)
        self._questions: dict[str, Question] = {}
        self._held: dict[str, tuple[Returned, Micros]] = {}

    @property
    def offered(self) -> tuple[tuple[str, str], ...]:
        """Id and name of every provider, in the order of the settings."""
        return tuple((id_, door.provider.name) for id_, door in self._doors.items())

    async def begin(self, directory_id: str, redirect_uri: str, next_path: str, address: str = "") -> Going:
        """Ask a provider who is there, for a browser at ``address``.

        Raises:
            NotFoundError: There is none of this id.
            DirectoryAwayError: It does not answer.
            TooManyAttemptsError: So many have been begun from this address.
        """
        door = self._door(directory_id)
        if wait_s := self._begun.take(network_of(address)):
            raise TooManyAttemptsError(
                f"Too many sign-ins were begun from here. Try again in {wait_s} s.", retry_after_s=wait_s
            )
        state, nonce, verifier, binding = (secrets.token_urlsafe(32) for _ in range(4))
        address = await door.address(redirect_uri, state, nonce, verifier)
        now = self._clock.now()
        self._questions[state] = Question(
            directory_id, redirect_uri, nonce, verifier, token_hash(binding), next_path, now
        )
        if len(self._questions) > QUESTIONS_MAX:
            del self._questions[next(iter(self._questions))]
        return Going(address, state, binding)

    async def finish(self, directory_id: str, answer: Answer, visit: Visit) -> Returned:
        """Take what a browser brings back from a provider; never raises for what somebody else made of it."""
        door = self._door(directory_id)
        question = self._questions.pop(answer.state, None) if STATE_FORM.fullmatch(answer.state) else None
        if question is None or not self._is_its_answer(question, directory_id, answer):
            return await self._refused(door, visit, "", "stale", "no question of this browser fits the answer")
        next_path = question.next_path
        if answer.error or not 1 <= len(answer.code) <= CODE_CHARACTERS_MAX:
            words = answer.error[:200] or "no code"
            is_refusal = answer.error == "access_denied"
            return await self._refused(door, visit, next_path, "cancelled" if is_refusal else "unproven", words)
        try:
            proof = await door.redeem(question.redirect_uri, answer.code, question.nonce, question.verifier, answer.iss)
            user = await self._people.admit(door.provider, proof.person, visit.address)
        except NotAdmittedError as error:  # On record already.
            why: Refusal = error.facts.get("refusal", "failed")  # type: ignore[assignment]
            return Returned(next_path, refusal=why, directory=door.provider.name)
        except DirectoryRefusedError as error:
            return await self._refused(door, visit, next_path, "unproven", str(error.facts["why"]))
        except DirectoryAwayError as error:
            return await self._refused(door, visit, next_path, "away", str(error.facts["why"]))
        arrival = Arrival(directory_id, proof.person.subject, proof.sid, proof.id_token, proof.refresh_token)
        done = frozenset({DONE_THERE}) if proof.person.has_mfa else frozenset()
        progress = await self._sign_in.go_on(user, done, visit, via=self._arrivals.keep(arrival))
        return Returned(next_path, progress, directory=door.provider.name)

    def _is_its_answer(self, question: Question, directory_id: str, answer: Answer) -> bool:
        is_young = question.at + LIFE_S * MICROS_PER_S > self._clock.now()
        is_asked = question.directory_id == directory_id  # Or one provider would be handed the code of another.
        return is_young and is_asked and hmac.compare_digest(question.binding_hash, token_hash(answer.binding))

    async def _refused(self, door: OidcDoor, visit: Visit, next_path: str, why: Refusal, words: str) -> Returned:
        provider = door.provider
        facts = {"directory": provider.id, "address": visit.address, "why": words}
        log.warning("sign-in with a provider failed", extra=facts)
        if why == "unproven":
            await self._note(provider.name, visit.address, words)
        return Returned(next_path, refusal=why, directory=provider.name)

    async def _note(self, name: str, address: str, words: str) -> None:
        try:
            async with self._work(EVERY_SITE) as work:
                who = stranger("", address)
                await audit(work, who, self._clock.now(), "sessions.refused", subject="session", name=name,
                            reason=words)  # fmt: skip
                await work.commit()
        except PdmError:
            pass  # The log has it.

    def hold(self, returned: Returned) -> str:
        """Keep a sign-in that owes a step until its page asks; return the handle that its browser keeps."""
        handle = secrets.token_urlsafe(32)
        self._held[handle] = (returned, self._clock.now())
        if len(self._held) > QUESTIONS_MAX:
            del self._held[next(iter(self._held))]
        return handle

    def held(self, handle: str) -> Returned | None:
        """Return a sign-in that owes a step; a page that is loaded twice may ask twice. None once it took too long."""
        returned, at = self._held.get(handle, (None, Micros(0)))
        return returned if at + LIFE_S * MICROS_PER_S > self._clock.now() else None

    async def logout_address(self, session_id: str, back_to: str) -> str:
        """Return where the browser of a session goes to sign out at its provider too; empty for nowhere."""
        async with self._work(EVERY_SITE) as work:
            row = await work.identities.session(session_id)
            door = self._doors.get(row.directory_id) if row else None
            if row is None or door is None:
                return ""
            id_token, _ = await self._arrivals.tokens(work, session_id)
        return await door.logout_address(id_token, back_to)

    async def sign_out_notice(self, directory_id: str, token: str) -> int:
        """End the sessions of somebody who has signed out at a provider; return how many.

        Raises:
            NotFoundError: There is no provider of this id.
            DirectoryRefusedError: The token proves nothing.
            DirectoryAwayError: Its keys are not to be had now.
        """
        notice = await self._door(directory_id).read_logout(token)
        async with self._work(EVERY_SITE) as work:
            rows = await work.identities.sessions(directory_id, notice)
        for row in rows:
            await self._sessions.end(SYSTEM, row.session_id)
        log.info("signed out at a provider", extra={"directory": directory_id, "sessions": len(rows)})
        return len(rows)

    def _door(self, directory_id: str) -> OidcDoor:
        door = self._doors.get(directory_id)
        if door is None:
            raise NotFoundError("There is no provider of this name here. Go back to the sign-in page.")
        return door
