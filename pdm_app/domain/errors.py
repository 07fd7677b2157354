"""Errors with the facts as attributes: who, what was tried, what came back, what to do next.

One class per thing a caller does differently. Endpoints, RPC and UI map the class, never the text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class PdmError(Exception):
    """Base of every error the product raises on purpose; its text is safe to show to a user."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts: Mapping[str, object] = facts


class NotFoundError(PdmError):
    """The thing does not exist, or lies in a site the actor may not see: both answer alike."""


class InvalidInputError(PdmError):
    """The input breaks a rule; ``issues`` names each field and its fix."""

    def __init__(self, message: str, issues: Sequence["FieldIssue"] = (), **facts: object) -> None:
        super().__init__(message, **facts)
        self.issues = tuple(issues)


class UnauthenticatedError(PdmError):
    """Nobody is signed in, or the session has ended."""


class PermissionDeniedError(PdmError):
    """The actor is known but lacks a permission; the text says which one and who can grant it."""


class ConflictError(PdmError):
    """Somebody or something else got there first."""


class TooManyAttemptsError(PdmError):
    """A limit on attempts is reached; ``facts['retry_after_s']`` says when to come back."""


class UnavailableError(PdmError):
    """A part of the product cannot serve now: nothing was lost, try again."""


class BufferFullError(UnavailableError):
    """The durable buffer has reached its cap; it refuses rather than evicts."""


class FencedError(PdmError):
    """Another process holds the collector lease; this one must stop writing at once."""


class ConnectionFailedError(PdmError):
    """A driver could not reach, or lost, its endpoint."""


class NotSupportedError(PdmError):
    """The protocol or device has no such function."""


@dataclass(frozen=True, slots=True)
class FieldIssue:
    """One fault in one field of an input.

    Attributes:
        field: Path of the field, such as ``samples.3.value``.
        problem: What is wrong with it.
        fix: What to send instead; may be empty where the problem says it.
    """

    field: str
    problem: str
    fix: str = ""
