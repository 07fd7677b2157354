"""What is checked whenever something is done with a release: who vouches for it, what may follow, what is there."""

from collections.abc import Sequence

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.firmware_keys import SigningKey
from pdm_app.domain.firmware_versions import is_same
from pdm_app.domain.releases import (
    REACHES_DEVICES,
    REACHES_DEVICES_AGAIN,
    STEPS,
    Release,
    ReleaseSignature,
    ReleaseState,
    ReleaseStep,
    manifest,
    steps_from,
)
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.services.firmware_signatures import holds

WORD = "release"


def fault(release: Release, keys: Sequence[SigningKey], now: int) -> str:
    """Return why nobody vouches for a release now; empty where somebody does."""
    signature = release.signature
    if signature is None:
        return "it is not signed"
    key = next((key for key in keys if key.id == signature.key_id), None)
    if key is None:
        return f"the key {signature.key_id} is not known; add it, or sign it with another one"
    if key_fault := key.fault(now):
        return f"the key {key.name!r} {key_fault}; sign it with another one"
    message = manifest(release, release.artifact)
    if not holds(key.public_key, message, signature.signature):
        return "its signature does not hold for what is stored of it; somebody has changed the database"
    return ""


def vouched(release: Release, keys: Sequence[SigningKey], now: int) -> ReleaseSignature:
    """Return the signature of a release.

    Raises:
        ConflictError: It does not hold now; says why.
    """
    why = fault(release, keys, now)
    if why or release.signature is None:
        raise ConflictError(f"{release.title} cannot be vouched for: {why}.")
    return release.signature


def require_assignable(
    release: Release, keys: Sequence[SigningKey], now: int, *, back: bool = False
) -> ReleaseSignature:
    """Return the signature of a release that devices may have now.

    Args:
        release: As it is stored.
        keys: All that are stored.
        now: Keys that have ended by then vouch for nothing.
        back: For devices that go back to it, or have begun already: one that is deprecated will do.

    Raises:
        ConflictError: It may not reach devices; says why.
    """
    if release.state not in (REACHES_DEVICES_AGAIN if back else REACHES_DEVICES):
        raise ConflictError(
            f"{release.title} is {release.state.value} and may not be given to devices; only published releases "
            f"are{' or, on the way back, deprecated ones' if back else ''}."
        )
    return vouched(release, keys, now)


def why_refused(release: Release, keys: Sequence[SigningKey], now: int, *, back: bool = False) -> str:
    """Return why devices may not have a release now, as `require_assignable`; empty where they may."""
    try:
        require_assignable(release, keys, now, back=back)
    except ConflictError as error:
        return error.message
    return ""


def signer(release: Release, signature: str, keys: Sequence[SigningKey], now: int) -> SigningKey:
    """Return the key with which a signature was made.

    Raises:
        InvalidInputError: It is none that is known, or vouches for nothing now.
    """
    message = manifest(release, release.artifact)
    key = next((key for key in keys if holds(key.public_key, message, signature)), None)
    if key is None:
        problem = "holds with none of the keys for what is stored of this release"
        raise InvalidInputError(
            f"The signature {problem}. Download the manifest again, sign it, and see that the "
            "public key is on the list.",
            [FieldIssue("signature", problem, "sign the manifest as it is now")],
        )
    if ended := key.fault(now):
        problem = f"was made with the key {key.name!r}, which {ended}"
        raise InvalidInputError(
            f"The signature {problem}. Sign with another one.", [FieldIssue("signature", problem, "use another key")]
        )
    return key


def after_step(release: Release, step: ReleaseStep) -> ReleaseState:
    """Return where a step leads.

    Raises:
        ConflictError: It cannot be done now; says what can.
    """
    state = STEPS.get((release.state, step))
    if state is None:
        possible = ", ".join(each.value for each in ReleaseStep if each in steps_from(release.state)) or "nothing"
        raise ConflictError(
            f"{release.title} is {release.state.value}: {step.value} is not possible, only {possible}.",
            state=release.state.value,
        )
    return state


def next_of(release: Release, **changes: object) -> Release:
    return release.model_copy(update={**changes, "revision": release.revision + 1})


def refuse_twice(release: Release, others: Sequence[Release]) -> None:
    for other in others:
        if other.id != release.id and other.name == release.name and is_same(other.version, release.version):
            raise ConflictError(
                f"There is {other.title} already, which is {other.state.value}. Count the version up; a build after + "
                "makes no other version."
            )


def file_missing(release: Release) -> UnavailableError:
    """Return the error of a release whose file is gone."""
    return UnavailableError(
        f"The file of {release.title} is not in the store of artifacts, or was cut off. Restore the folder "
        "artifacts of the data directory from your backup."
    )


async def found(work: Work, release_id: str, revision: int | None = None) -> Release:
    release = await work.releases.get(release_id)
    if release is None:
        raise NotFoundError(f"There is no release {release_id!r}.", release_id=release_id)
    if revision is not None and revision != release.revision:
        raise ConflictError(f"Somebody has changed {release.title} meanwhile. Look at it again.")
    return release


async def note(
    work: Work, actor: Actor, at: Micros, action: str, before: Release | None, after: Release | None, reason: str = ""
) -> None:
    one = after or before
    await audit(
        work, actor, at, action, subject=WORD, subject_id=one.id if one else "", name=one.title if one else "",
        before=before, after=after, reason=reason,
    )  # fmt: skip
