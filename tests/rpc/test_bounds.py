"""Everything that a caller may send has a bound: no number that a database cannot take, no text without an end."""

from collections.abc import Iterator
from typing import Any

import pytest

from pdm_app.domain.access import Role
from pdm_app.trpc import TrpcError
from tests.counterparts.whole_product import WholeProduct
from tests.rpc.calls import procedures

Schema = dict[str, Any]


def unbounded(schema: Any, defs: Schema, path: str) -> Iterator[str]:
    """Name every place of a JSON schema at which a value may be as large as it likes."""
    if isinstance(schema, list):
        for place, entry in enumerate(schema):
            yield from unbounded(entry, defs, f"{path}|{place}")
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from unbounded(defs[schema["$ref"].rpartition("/")[2]], defs, path)
    is_closed = "enum" in schema or "const" in schema
    kind = schema.get("type")
    if kind == "string" and "maxLength" not in schema and not is_closed:
        yield path
    if kind == "integer" and not {"minimum", "maximum"} <= schema.keys() and not is_closed:
        yield path
    if kind == "array" and "maxItems" not in schema:
        yield path
    yield from unbounded(schema.get("items"), defs, f"{path}[]")
    yield from unbounded(schema.get("anyOf"), defs, path)
    for name, member in schema.get("properties", {}).items():
        yield from unbounded(member, defs, f"{path}.{name}")


def test_every_input_of_every_procedure_is_bounded() -> None:
    found = []
    for path, procedure in procedures().items():
        schema = procedure.describe()["input"] or {}
        found += list(unbounded(schema, schema.get("$defs", {}), path))
    assert found == []


def test_the_search_for_what_is_unbounded_finds_it() -> None:
    schema = {
        "properties": {
            "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "signals": {"type": "array", "maxItems": 5, "items": {"type": "integer", "minimum": 0}},
            "page": {"$ref": "#/$defs/Page"},
        },
    }
    defs = {"Page": {"properties": {"kind": {"type": "string", "enum": ["a"]}, "rows": {"type": "array"}}}}
    assert list(unbounded(schema, defs, "x")) == ["x.name|0", "x.signals[]", "x.page.rows"]


async def test_a_number_that_no_signal_can_have_is_refused_and_no_fault(product: WholeProduct) -> None:
    someone = await product.sign_in(Role.VIEWER)
    async with product.client(someone.access_token) as client:
        for number in (2**32, 2**63, 10**30, 0, -1, -(2**63) - 1):
            asked = {
                "signals.by_id": {"signal_id": number},
                "live.latest": {"signals": [number]},
                "history.envelope": {"signals": [number], "start_at": 0, "end_at": 1},
            }
            for path, given in asked.items():
                with pytest.raises(TrpcError) as refused:
                    await client.query(path, given)
                assert refused.value.code == "BAD_REQUEST", (path, number)
