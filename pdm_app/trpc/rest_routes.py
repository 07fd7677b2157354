"""What ``rest="PATCH /assets/{asset_id}"`` says, and which procedure answers a path.

A literal part of a path wins over a parameter in the same place: ``/assets/overview`` is not the asset ``overview``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pdm_app.trpc.procedures import Procedure

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "query": ("GET",),
    "mutation": ("POST", "PUT", "PATCH", "DELETE"),
    "subscription": (),
}
_DECLARATION: Final = re.compile(r"([A-Z]+) (/\S*?)(?: (20[01]))?")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._~-]+")
_PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class RestError(ValueError):
    """A declaration that no address can be made of, and what to change."""


@dataclass(frozen=True, slots=True)
class RestRoute:
    """The address of one procedure.

    Attributes:
        method: GET for queries; POST, PUT, PATCH or DELETE for mutations.
        path: As declared, ``/assets/{asset_id}``.
        parts: Its parts; a parameter's name stands in braces.
        parameters: Names of the input's fields that stand in the path.
        status: Of a result; 201 for what was created.
    """

    method: str
    path: str
    parts: tuple[str, ...]
    parameters: tuple[str, ...]
    status: int

    @classmethod
    def parse(cls, declared: str) -> "RestRoute":
        """Read a method, a path, and perhaps 200 or 201.

        A POST to a path without parameters creates a member of a collection and answers 201, any other POST is an
        action and answers 200, unless the declaration ends in the one or the other.

        Raises:
            RestError: It says something else.
        """
        found = _DECLARATION.fullmatch(declared)
        if found is None:
            raise RestError(f"{declared!r} is not of the form 'GET /things/{{thing_id}}'.")
        method, path, status = found.groups()
        parts = tuple(path.strip("/").split("/"))
        parameters = []
        for part in parts:
            if (parameter := _PARAMETER.fullmatch(part)) is not None:
                parameters.append(parameter[1])
            elif not _LITERAL.fullmatch(part):
                raise RestError(f"{part!r} in {declared!r} is neither a plain word nor one {{parameter}}.")
        if len(set(parameters)) < len(parameters):
            raise RestError(f"{declared!r} has a parameter twice.")
        default = 201 if method == "POST" and not parameters else 200
        return cls(method, f"/{'/'.join(parts)}", parts, tuple(parameters), int(status or default))


class Placed(NamedTuple):
    """A procedure and where it is."""

    procedure: "Procedure"
    route: RestRoute


@dataclass(slots=True)
class Address:
    """One path with the procedures that answer on it, by method."""

    path: str
    procedures: dict[str, Placed] = field(default_factory=dict)

    @property
    def allowed(self) -> str:
        """The methods, for ``Allow``; HEAD goes wherever GET does."""
        return ", ".join(method for had in self.procedures for method in ((had, "HEAD") if had == "GET" else (had,)))


@dataclass(slots=True)
class _Place:
    """What may follow the parts of a path that led here."""

    address: Address | None = None
    literals: dict[str, "_Place"] = field(default_factory=dict)
    parameter: "_Place | None" = None


class Addresses:
    """Every path of a router that has REST declarations.

    Raises:
        RestError: Two procedures have one address, or call a parameter in one place by two names.
    """

    def __init__(self, procedures: Iterable["Procedure"]) -> None:
        self._root = _Place()
        for procedure in procedures:
            if procedure.rest is not None:
                self._add(procedure, procedure.rest)

    def find(self, parts: Sequence[str]) -> tuple[Address, tuple[str, ...]] | None:
        """Return the address of a path's decoded parts, and the values of its parameters in their order."""
        return next(_matches(self._root, parts, ()), None)

    def _add(self, procedure: "Procedure", route: RestRoute) -> None:
        place = self._root
        for part in route.parts:
            if _PARAMETER.fullmatch(part):
                place.parameter = place.parameter or _Place()
                place = place.parameter
            else:
                place = place.literals.setdefault(part, _Place())
        address = place.address = place.address or Address(route.path)
        if address.path != route.path:
            raise RestError(
                f"{procedure.path} is at {route.path}, where another procedure is at {address.path}. Give the "
                "parameters one name."
            )
        taken = address.procedures.setdefault(route.method, Placed(procedure, route)).procedure
        if taken is not procedure:
            raise RestError(f"{route.method} {route.path} is declared by both {taken.path} and {procedure.path}.")


def _matches(place: _Place, parts: Sequence[str], values: tuple[str, ...]) -> Iterator[tuple[Address, tuple[str, ...]]]:
    """Yield what fits, literal parts first; a parameter is never empty."""
    if not parts:
        if place.address is not None:
            yield place.address, values
        return
    literal = place.literals.get(parts[0])
    if literal is not None:
        yield from _matches(literal, parts[1:], values)
    if place.parameter is not None and parts[0]:
        yield from _matches(place.parameter, parts[1:], (*values, parts[0]))
