"""The second factor: codes of an authenticator app, and recovery codes for the day the phone is gone.

A code works once, and at most one 30 s step early or late. The app's seed is kept sealed; recovery codes are kept as
hashes, which is enough for 79 random bits.

Source: RFC 6238 (TOTP; section 5.2 on codes that are used once and on clock skew), RFC 4226.
"""

import hmac
import io
import re
import secrets
from dataclasses import dataclass, replace

import pyotp
import segno

from pdm_app.domain.access import EVERY_SITE, Actor, User
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.secrets import Sealer, SecretFact
from pdm_app.services.auditing import audit
from pdm_app.services.tokens import token_hash

STEP_S = 30
SKEW_STEPS = 1
SEED = "totp.seed"  # Purposes of sealed secrets; the record is the user.
NEW_SEED = "totp.new_seed"  # Until a first code has shown that the app has it.
RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # Without letters that look alike: they are typed off paper.
CODE_FORM = re.compile(r"[0-9]{6}")
RECOVERY_FORM = re.compile(rf"[{ALPHABET}]{{16}}")
ISSUER = "PDM"

WRONG_CODE = "This code is wrong, or it was used already. Type the one that the app shows now."


class Enrolment(Record):
    """What an authenticator app needs: a picture to scan, or the words to type."""

    qr_svg: str
    typed: str
    address: str


@dataclass(frozen=True, slots=True)
class MfaState:
    """How far somebody's second factor is."""

    is_on: bool
    since: Micros | None
    recovery_left: int


def wrong_code() -> InvalidInputError:
    """Make the one refusal for a code that is malformed, wrong, too old or used up."""
    return InvalidInputError(WRONG_CODE, [FieldIssue("code", "is wrong or used", "type the one that shows now")])


class MfaService:
    """Enrols authenticator apps and checks their codes. It does not ask who calls: sign-in and profile do."""

    def __init__(self, work: UnitOfWork, clock: Clock, sealer: Sealer) -> None:
        self._work = work
        self._clock = clock
        self._sealer = sealer

    async def state(self, user_id: str) -> MfaState:
        async with self._work(EVERY_SITE) as work:
            row = await work.credentials.of(user_id)
            return MfaState(row.has_mfa, row.totp_at, await work.credentials.count_recovery(user_id))

    async def begin(self, user: User) -> Enrolment:
        """Make a seed for a new app; an app that is enrolled works on until `confirm`."""
        seed = pyotp.random_base32(32)
        async with self._work(EVERY_SITE) as work:
            await self._keep(work, NEW_SEED, user.id, seed)
            await work.commit()
        return enrolment_of(seed, user.username)

    async def confirm(self, actor: Actor, user: User, code: str) -> tuple[str, ...]:
        """Take the app into use with its first code; return recovery codes, which are shown now and never again.

        Raises:
            ConflictError: Nothing was begun.
            InvalidInputError: The code is not the app's.
        """
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            sealed = await work.secrets.sealed(NEW_SEED, user.id)
            if sealed is None:
                raise ConflictError("No authenticator app is being set up. Begin again.")
            seed = self._sealer.open(sealed, purpose=NEW_SEED, record_id=user.id)
            step = _step_of(seed, code, now)
            if step is None:
                raise wrong_code()
            await self._keep(work, SEED, user.id, seed)
            await work.secrets.remove(NEW_SEED, user.id)
            row = await work.credentials.of(user.id)
            await work.credentials.put(replace(row, totp_at=now, totp_step=step))
            codes = await _new_recovery(work, user.id)
            await audit(work, actor, now, "users.mfa_enrolled", subject="user", subject_id=user.id, name=user.username)
            await work.commit()
        return codes

    async def new_recovery(self, actor: Actor, user: User, code: str) -> tuple[str, ...]:
        """Replace all recovery codes, for somebody who proves to have the app.

        Raises:
            InvalidInputError: The code is wrong or used.
        """
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            if not await self._take(work, user.id, code, now, recovery=False):
                raise wrong_code()
            codes = await _new_recovery(work, user.id)
            await audit(work, actor, now, "users.recovery_codes_made", subject="user", subject_id=user.id,
                        name=user.username)  # fmt: skip
            await work.commit()
        return codes

    async def check(self, actor: Actor, user: User, code: str) -> None:
        """Use up a code of the app, or a recovery code.

        Raises:
            InvalidInputError: Malformed, wrong, too old, or used: one text for all.
        """
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            if not await self._take(work, user.id, code, now, recovery=True):
                raise wrong_code()
            if not CODE_FORM.fullmatch(_plain(code)):
                left = await work.credentials.count_recovery(user.id)
                await audit(work, actor, now, "users.recovery_code_used", subject="user", subject_id=user.id,
                            name=user.username, after={"left": left})  # fmt: skip
            await work.commit()

    async def end(self, actor: Actor, user: User, code: str) -> None:
        """Give the second factor up, for somebody who proves to have it.

        Raises:
            InvalidInputError: The code is wrong or used.
        """
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            if not await self._take(work, user.id, code, now, recovery=True):
                raise wrong_code()
            await forget_mfa(work, user.id)
            await audit(work, actor, now, "users.mfa_ended", subject="user", subject_id=user.id, name=user.username)
            await work.commit()

    async def _take(self, work: Work, user_id: str, code: str, now: Micros, *, recovery: bool) -> bool:
        plain = _plain(code)
        if CODE_FORM.fullmatch(plain):
            sealed = await work.secrets.sealed(SEED, user_id)
            if sealed is None:
                return False
            step = _step_of(self._sealer.open(sealed, purpose=SEED, record_id=user_id), plain, now)
            return step is not None and await work.credentials.take_step(user_id, step)
        if recovery and RECOVERY_FORM.fullmatch(plain):
            return await work.credentials.take_recovery(user_id, token_hash(plain))
        return False

    async def _keep(self, work: Work, purpose: str, user_id: str, seed: str) -> None:
        sealed = self._sealer.seal(seed, purpose=purpose, record_id=user_id)
        fact = SecretFact(
            purpose=purpose, record_id=user_id, key_id=self._sealer.key_id, changed_at=int(self._clock.now())
        )
        await work.secrets.put(fact, sealed)


async def forget_mfa(work: Work, user_id: str) -> None:
    """Remove app and recovery codes inside a transaction of the caller's."""
    for purpose in (SEED, NEW_SEED):
        await work.secrets.remove(purpose, user_id)
    row = await work.credentials.of(user_id)
    if row.has_mfa:
        await work.credentials.put(replace(row, totp_at=None))  # The last step stays: no code of it comes back.
    await work.credentials.put_recovery(user_id, ())


def enrolment_of(seed: str, username: str) -> Enrolment:
    """Return what an app scans or somebody types for a seed in base32."""
    address = pyotp.TOTP(seed, interval=STEP_S).provisioning_uri(name=username, issuer_name=ISSUER)
    picture = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    # Black on white in both themes: cameras read no other reliably.
    code.save(picture, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, svgclass="qr", omitsize=True)
    return Enrolment(
        qr_svg=picture.getvalue().decode(),
        typed=" ".join(seed[place : place + 4] for place in range(0, len(seed), 4)),
        address=address,
    )


async def _new_recovery(work: Work, user_id: str) -> tuple[str, ...]:
    codes = tuple("".join(secrets.choice(ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES))
    await work.credentials.put_recovery(user_id, [token_hash(code) for code in codes])
    return tuple("-".join(code[place : place + 4] for place in range(0, 16, 4)) for code in codes)


def _step_of(seed: str, code: str, now: Micros) -> int | None:
    """Return the step, of those within the skew, whose code this is; all are compared, whichever fits."""
    current = int(now) // MICROS_PER_S // STEP_S
    totp = pyotp.TOTP(seed, interval=STEP_S)
    fits = [
        step
        for step in range(current - SKEW_STEPS, current + SKEW_STEPS + 1)
        if hmac.compare_digest(totp.generate_otp(step), _plain(code).encode("ascii", "replace").decode())
    ]
    return fits[-1] if fits else None


def _plain(code: str) -> str:
    """Strip what people put between the characters of a code."""
    return code[:64].lower().replace(" ", "").replace("-", "")
