"""What stands between values and the wire where plain JSON is not enough: superjson.

Both ends must agree: ``TrpcApp(..., transformer=SUPERJSON)`` here, ``transformer: superjson`` in every link there.
Inputs, results, events and errors are transformed, envelopes never; REST stays plain JSON.
"""

from typing import Any, Final

import orjson
from pydantic_core import PydanticSerializationError

from pdm_app.trpc.errors import TrpcError
from pdm_app.trpc.signatures import OutputError, OutputType
from pdm_app.trpc.superjson import SuperJsonError, plain_json, serialize
from pdm_app.trpc.values import MISSING, Encoded, Missing, Tracked

_UNDEFINED: Final = b'{"json":null,"meta":{"values":["undefined"],"v":1}}'


class SuperJson:
    """superjson on the wire; see ``superjson`` for what becomes what."""

    def read(self, raw: bytes | Missing) -> bytes | Missing:
        """Return an input as plain JSON.

        Raises:
            TrpcError: BAD_REQUEST for what is no superjson.
        """
        if raw is MISSING:
            return MISSING
        try:
            plain = plain_json(orjson.loads(raw), nodes_max=len(raw) + 10_000)
        except orjson.JSONDecodeError as error:
            raise TrpcError("BAD_REQUEST", f"Invalid JSON: {error}") from None
        except SuperJsonError as error:
            raise TrpcError("BAD_REQUEST", f"Invalid superjson: {error}") from None
        return MISSING if plain is None else plain

    def encode(self, output: OutputType, value: Any) -> bytes:
        """Return a result.

        Raises:
            OutputError: The value is not of the annotated type, or superjson cannot write it.
        """
        if type(value) is Encoded:
            return b'{"json":%b}' % value.json
        if value is MISSING:
            return _UNDEFINED
        to_python = output.adapter.serializer.to_python
        try:
            try:
                plain = to_python(value, mode="python", by_alias=True, warnings="error")
            except TypeError:  # A set of models, which cannot be a set of dicts.
                plain = to_python(value, mode="json", by_alias=True, warnings="error")
            return orjson.dumps(serialize(plain))
        except (PydanticSerializationError, ValueError, TypeError) as error:
            raise OutputError(str(error)) from None

    def encode_event(self, output: OutputType, value: Any) -> tuple[str | None, str]:
        """Return the id (None when not tracked) and the text of one event."""
        event_id = None
        if type(value) is Tracked:
            event_id, value = value.id, value.data
        return event_id, self.encode(output, value).decode()

    def error(self, shape: bytes) -> bytes:
        """Return an error."""
        return b'{"json":%b}' % shape

    def within(self, before: str, encoded: bytes | str, after: str, at: str) -> str:
        """Put something encoded into a larger value, which then is superjson as a whole.

        Args:
            before: JSON of the larger value up to the place.
            encoded: What ``encode`` or ``error`` returned.
            after: JSON of the larger value from the place on.
            at: The dotted path of the place.
        """
        payload = orjson.loads(encoded)
        whole = f'{{"json":{before}{orjson.dumps(payload["json"]).decode()}{after}'
        meta = payload.get("meta")
        if not meta:
            return f"{whole}}}"
        moved: dict[str, Any] = {"v": meta["v"]}
        if "values" in meta:
            moved["values"] = _moved_values(meta["values"], at)
        if "referentialEqualities" in meta:
            moved["referentialEqualities"] = _moved_equalities(meta["referentialEqualities"], at)
        return f'{whole},"meta":{orjson.dumps(moved).decode()}}}'


def _moved_values(values: Any, at: str) -> dict[str, Any]:
    """Return the annotations of a value as those of what it became a part of; a list is the value's own."""
    return {at: values} if isinstance(values, list) else {f"{at}.{path}": held for path, held in values.items()}


def _moved_equalities(equalities: Any, at: str) -> dict[str, list[str]]:
    """Return the places of same objects likewise; of a list the first are the places of the value itself."""
    root, others = ([], equalities) if isinstance(equalities, dict) else (equalities[0], dict(*equalities[1:]))
    moved = {f"{at}.{path}": [f"{at}.{other}" for other in same] for path, same in others.items()}
    return {at: [f"{at}.{path}" for path in root], **moved} if root else moved


SUPERJSON: Final = SuperJson()
