"""Every text that any procedure takes is only text: tried field by field, as the input models describe them."""

import asyncio
import copy
from collections.abc import Iterator
from typing import Any

import pytest

from pdm_app.domain.access import Role
from pdm_app.rpc.server import PATH
from pdm_app.trpc import MISSING, TrpcError
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.whole_product import WholeProduct
from tests.rpc.calls import answer, procedures, sensible_input

Schema = dict[str, Any]
Place = tuple[str | int, ...]

HOSTILE = "x' OR '1'='1'; DROP TABLE users; -- \"<img src=x onerror=alert(1)>{{7*7}}../../etc/passwd%_\\"
SEARCH = "y' OR 'a'='a' -- %"  # Never stored, so that it finds nothing unless it is more than text.
ENDING = ("remove", "delete", "revoke", "deactivate", "end", "disable", "rotate", "logout", "clear")
FAULTS = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "PARSE_ERROR", "METHOD_NOT_SUPPORTED"}
ANSWER_S = 300.0  # Of a machine with much else to do; what hangs does so for ever.
SEARCHED = {"text", "actor", "action", "subject", "subject_id", "filter"}


def texts(schema: Any, defs: Schema, place: Place = ()) -> Iterator[tuple[Place, int]]:
    """Yield where a schema takes free text, and how much of it."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from texts(defs[schema["$ref"].rpartition("/")[2]], defs, place)
    if schema.get("type") == "string" and not {"enum", "const", "format"} & schema.keys():
        yield place, schema.get("maxLength", 1000)
    for kind in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(kind, []):
            yield from texts(one, defs, place)
    if schema.get("type") == "array":
        yield from texts(schema.get("items"), defs, (*place, 0))
    for name, member in schema.get("properties", {}).items():
        yield from texts(member, defs, (*place, name))


def with_text(given: Any, place: Place, text: str) -> Any:
    """Return an input with another text at one place, which is made where it is not there yet."""
    if not place:
        return text
    step, rest = place[0], place[1:]
    if step == 0:
        return [with_text(given[0] if isinstance(given, list) and given else None, rest, text)]
    known = copy.deepcopy(given) if isinstance(given, dict) else {}
    known[step] = with_text(known.get(step), rest, text)
    return known


def tried() -> list[tuple[str, Place, int]]:
    """Every text of every procedure; those that take something away come last."""
    found = []
    for path, procedure in procedures().items():
        schema = procedure.describe()["input"] or {}
        found += [(path, place, most) for place, most in dict(texts(schema, schema.get("$defs", {}))).items()]
    return sorted(found, key=lambda one: (one[0].rpartition(".")[2].startswith(ENDING), one[0]))


def lists_in(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from lists_in(member)


def test_the_search_for_texts_finds_them() -> None:
    defs = {
        "Line": {"properties": {"name": {"type": "string", "maxLength": 9}, "kind": {"const": "a", "type": "string"}}}
    }
    schema = {"properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}}, "n": {"type": "integer"}}}
    assert list(texts(schema, defs)) == [(("lines", 0, "name"), 9)]
    assert with_text({"lines": [{"kind": "a"}]}, ("lines", 0, "name"), "x") == {"lines": [{"kind": "a", "name": "x"}]}
    assert len(tried()) > 150


@pytest.mark.long  # Three hundred calls, some of which make keys.
async def test_no_text_of_any_procedure_is_more_than_text(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    token = (await product.sign_in(Role.ADMIN)).access_token
    faults, accepted = {}, 0
    headers = {"authorization": f"Bearer {token}"}
    async with TrpcClient(product.url + PATH, headers=headers, timeout_s=ANSWER_S) as client:
        before = {row["user"]["id"] for row in await client.query("users.list")}
        for path, place, most in tried():
            own = sensible_input(path, product.ours)
            is_search = place[-1] in SEARCHED and procedures()[path].type == "query"
            text = (SEARCH if is_search else HOSTILE)[:most]
            hostile = with_text({} if own is MISSING else own, place, text)
            try:
                async with asyncio.timeout(ANSWER_S):
                    got = await answer(client, path, hostile)
            except TimeoutError:
                faults[path, place] = f"no answer in {ANSWER_S:g} s"
                continue
            except TrpcError as error:
                if error.code in FAULTS:
                    faults[path, place] = error.code
                continue
            accepted += 1
            if is_search:
                assert not any(lists_in(got)), f"{path} found something for {place}"
        after = {row["user"]["id"] for row in await client.query("users.list")}
    assert faults == {}
    assert before <= after, "nobody was dropped"
    assert accepted > 20, "many a text is a fine comment or name"


async def test_what_is_stored_comes_back_letter_by_letter(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    words = ("<script>alert(1)</script>", "=1+1", "${jndi:ldap://x}", "\u202etxt.exe", "'; --")
    async with product.client((await product.sign_in(Role.OPERATOR)).access_token) as client:
        for word in words:
            await client.mutate("alarms.comment", {"alarm_id": product.ours.past_alarm_id, "comment": f"a {word}"})
        journal = str(await client.query("alarms.journal", {"asset_id": product.ours.asset_id}))
    for word in words:
        assert f"a {word}" in journal or repr(f"a {word}")[1:-1] in journal
