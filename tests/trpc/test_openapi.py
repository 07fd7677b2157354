"""The OpenAPI description is valid, and a running server answers as it says."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from referencing.exceptions import PointerToNowhere
from typing_extensions import TypedDict

from pdm_app.rpc.errors import ProductErrorData
from pdm_app.rpc.root import root as product_root
from pdm_app.trpc import ConnectionInfo, ErrorData, Router, TrpcApp, TrpcError, openapi
from tests.trpc.conftest import Served
from tests.trpc.reference import root as reference_root
from tests.trpc.types import kinds

BEARER = {"session": {"type": "http", "scheme": "bearer"}}
ADA = {"authorization": "Bearer tok_ada"}
INPUTS: dict[str, Any] = {
    "greet": {"name": "Ada"},
    "slow": {"ms": 1},
    "echoSet": "x",
    "post.byId": "7",
    "post.create": {"title": "abc"},
    "auth.login": {"username": "ada", "password": "lovelace"},
}
REFUSED = {"crash": 500, "wrongOutput": 500, "conflict": 409, "admin.stats": 403}
"""What the reference server answers with an error whatever it is asked, Ada being no admin."""


def describe(router: Router[Any], **options: Any) -> dict[str, Any]:
    return openapi(router, title="Presses", version="1.2", **options)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation of everything described."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def faults(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Return what of a value is not as a schema of the document says."""
    validator = OAS31Validator({**schema, "components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("router", [reference_root, kinds.root, product_root], ids=["reference", "kinds", "product"])
def test_the_description_is_valid_openapi(router: Router[Any]) -> None:
    document = describe(router, description="Presses of all sites.", servers=["/", "https://plant.example/"])
    OpenAPIV31SpecValidator(document).validate()
    OpenAPIV31SpecValidator(describe(router, security_schemes=BEARER, error_data=ProductErrorData)).validate()


def test_a_reference_to_nothing_would_be_noticed() -> None:
    document = describe(reference_root)
    del document["components"]["schemas"]["Greeting"]
    with pytest.raises(PointerToNowhere, match="Greeting"):
        OpenAPIV31SpecValidator(document).validate()


def test_each_procedure_is_one_operation_under_its_path() -> None:
    found = {(method, path, operation["operationId"]) for path, method, operation in operations(describe(product_root))}
    assert found == {
        ("post" if procedure.type == "mutation" else "get", f"/trpc/{procedure.path}", procedure.path)
        for procedure in product_root.procedures()
    }


def test_permissions_documentation_and_identification_are_told() -> None:
    document = describe(product_root, security_schemes=BEARER, path="/api/trpc")
    acknowledge = document["paths"]["/api/trpc/alarms.acknowledge"]["post"]
    assert acknowledge["summary"] == "Acknowledge a standing alarm; answered when that is stored."
    assert acknowledge["x-meta"] == {"permission": "alarms.acknowledge"}
    assert acknowledge["tags"] == ["alarms"]
    assert document["security"] == [{"session": []}]
    assert document["components"]["securitySchemes"] == BEARER


def test_the_same_router_always_gives_the_same_description() -> None:
    assert json.dumps(describe(product_root)) == json.dumps(describe(product_root))


def test_a_model_may_be_called_as_the_description_calls_errors() -> None:
    class ErrorAnswer(BaseModel):
        text: str

    class Facts(TypedDict, total=False):
        retry_after_s: float

    router: Router[None] = Router()

    @router.query()
    async def last(ctx: None) -> ErrorAnswer:
        return ErrorAnswer(text="")

    schemas = describe(router, error_data=Facts)["components"]["schemas"]
    assert schemas["ErrorAnswerModel"]["properties"] == {"text": {"type": "string"}}
    assert "retry_after_s" in schemas["ErrorAnswer"]["properties"]["error"]["properties"]["data"]["properties"]
    assert "correlationId" in ErrorData.__annotations__


async def call(
    client: httpx.AsyncClient, document: dict[str, Any], url: str, path: str, value: Any
) -> tuple[httpx.Response, list[str]]:
    """Call a procedure as its description says; return the answer and what of it is not as described."""
    ((method, operation),) = document["paths"][path].items()
    address = url + path.removeprefix("/trpc")
    parameters = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
    if method == "post":
        (kind,) = operation["requestBody"]["content"]
        body = b"abc" if kind == "application/octet-stream" else json.dumps({} if value is None else value)
        if kind == "multipart/form-data":
            kind, body = f"{kind}; boundary=B", b"--B--\r\n"
        answer = await client.post(address, content=body, headers={**ADA, "content-type": kind})
    elif "input" in parameters and value is not None:
        assert faults(document, parameters["input"]["content"]["application/json"]["schema"], value) == []
        answer = await client.get(address, params={"input": json.dumps(value)}, headers=ADA)
    else:
        assert not any(parameter["required"] for parameter in parameters.values())
        answer = await client.get(address, headers=ADA)
    described = operation["responses"].get(str(answer.status_code))
    if described is None:
        reference = operation["responses"][f"{answer.status_code // 100}XX"]["$ref"]
        described = document["components"]["responses"][reference.rpartition("/")[2]]
    return answer, faults(document, described["content"]["application/json"]["schema"], answer.json())


async def test_every_answer_of_a_running_server_is_as_described(served: Served) -> None:
    document = describe(reference_root)
    called = []
    async with httpx.AsyncClient(timeout=90) as client:
        for path, _, operation in operations(document):
            procedure = reference_root.table()[operation["operationId"]]
            if procedure.type == "subscription" or procedure.output.is_iterator or procedure.path == "waitForGate":
                continue
            answer, found = await call(client, document, served.http_url, path, INPUTS.get(procedure.path))
            assert found == [], procedure.path
            assert answer.status_code == REFUSED.get(procedure.path, 200), procedure.path
            called.append(procedure.path)
    assert len(called) == 16


EVERYTHING: dict[str, Any] = {
    "scalars": {
        "at": "2026-11-21T06:00:00Z",
        "day": "2026-11-21",
        "clock": "06:00:00",
        "took": "PT1.5S",
        "id": "0193a1b2-0000-7000-8000-000000000000",
        "price": "12.50",
        "image": "abc",
        "ratio": 0.5,
        "whole": 7,
        "sure": True,
        "nothing": None,
        "anything": {"x": [1]},
        "huge": 2**63,
    },
    "choices": {"colour": "red", "level": 2, "mixed": 7, "word": "a", "either": None},
    "shapes": [{"kind": "circle", "radius_mm": 1.5}, {"kind": "rectangle", "width_mm": 2}],
    "tree": {"name": "root", "children": [{"name": "leaf"}]},
    "chicken": {"laid": [{"by": {"laid": [{"by": None}]}}]},
    "collections": {
        "many": [1, 2, 3],
        "pair": [1, "a"],
        "pairs": [[1, None]],
        "unique": ["a"],
        "optional_members": [1, None],
        "by_name": {"a": {"name": "a"}},
        "by_number": {"7": "seven"},
        "by_colour": {"green": 1},
        "position": [1, 2],
        "mode": {"a": [None]},
    },
    "renamed": {"createdAt": "2026-11-21T06:00:00Z", "secret": "x"},
    "open": {"known": 1, "unknown": 2},
    "empty": {},
    "names": ["a"],
    "page": {"rows": [{"value": 1.5}]},
    "options": {"limit": 5},
    "encoded": "[1,2]",
}


async def test_every_kind_of_value_goes_in_and_comes_out_as_described() -> None:
    async def create_context(connection: ConnectionInfo) -> None:
        return None

    document = describe(kinds.root)
    app = TrpcApp(kinds.root, create_context=create_context)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://presses.example") as client:
        answer, found = await call(client, document, "", "/trpc/kinds.everything", EVERYTHING)
    assert found == []
    assert answer.status_code == 200, answer.text
    held = answer.json()["result"]["data"]
    assert held["collections"]["position"] == [1, 2, None]  # A named tuple comes with its defaults.
    assert held["shapes"][1] == {"kind": "rectangle", "width_mm": 2, "height_mm": 1}
    assert held["renamed"].keys() == {"createdAt", "content-type", "is_text"}
    assert held["encoded"] == [1, 2]


@pytest.mark.parametrize("place", [["scalars", "whole"], ["shapes", 0, "kind"], ["collections", "pair", 1]])
async def test_a_value_of_another_kind_is_neither_described_nor_taken(place: list[Any]) -> None:
    wrong = copy.deepcopy(EVERYTHING)
    parent = wrong
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = {"no": "such kind"}
    document = describe(kinds.root)
    assert faults(document, document["components"]["schemas"]["EverythingInput"], wrong) != []
    with pytest.raises(TrpcError, match="Invalid input"):
        await kinds.root.caller(None)("kinds.everything", wrong)


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [("greet", {"name": 5}, 400), ("post.create", {"title": "a"}, 400), ("post.byId", "404", 404)],
)
async def test_an_input_that_is_not_as_described_is_refused_as_described(
    served: Served, path: str, value: Any, status: int
) -> None:
    document = describe(reference_root)
    schema = document["components"]["schemas"]["ErrorAnswer"]
    async with httpx.AsyncClient(timeout=90) as client:
        if path == "post.create":
            answer = await client.post(f"{served.http_url}/{path}", json=value)
        else:
            answer = await client.get(f"{served.http_url}/{path}", params={"input": json.dumps(value)})
    assert answer.status_code == status
    assert faults(document, schema, answer.json()) == []
    assert faults(document, schema, {"error": {"message": "no code"}}) != []


async def test_wrong_paths_methods_and_content_types_are_refused_as_described(served: Served) -> None:
    document = describe(reference_root)
    async with httpx.AsyncClient(timeout=90) as client:
        answers = [
            await client.get(f"{served.http_url}/nope"),
            await client.post(f"{served.http_url}/health", json={}),
            await client.post(f"{served.http_url}/conflict"),
        ]
    assert [answer.status_code for answer in answers] == [404, 405, 415]
    for answer in answers:
        assert faults(document, document["components"]["schemas"]["ErrorAnswer"], answer.json()) == []


async def test_a_streaming_query_is_called_as_its_parameters_say(served: Served) -> None:
    operation = describe(reference_root)["paths"]["/trpc/streamed"]["get"]
    fixed = {parameter["name"]: parameter["schema"]["const"] for parameter in operation["parameters"][:2]}
    sent = operation["parameters"][2]["content"]["application/json"]["schema"]
    assert sent["required"] == ["0"]
    async with httpx.AsyncClient(timeout=90) as client:
        answer = await client.get(
            f"{served.http_url}/streamed",
            params={"batch": fixed["batch"], "input": json.dumps({"0": {"n": 2}})},
            headers={"trpc-accept": fixed["trpc-accept"]},
        )
    assert answer.status_code == 200
    assert [line for line in answer.text.splitlines() if line.endswith(("[[0]]]", "[[1]]]"))] != []


async def test_a_subscription_is_a_stream_of_the_events_described(served: Served) -> None:
    document = describe(reference_root)
    operation = document["paths"]["/trpc/count"]["get"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["input", "lastEventId"]
    event = operation["responses"]["200"]["content"]["text/event-stream"]["x-event"]
    async with httpx.AsyncClient(timeout=90) as client:
        answer = await client.get(f"{served.http_url}/count", params={"input": '{"upTo": 4}', "lastEventId": "2"})
    values = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith('data: {"n"')]
    assert values == [{"n": 3}, {"n": 4}]
    assert [fault for value in values for fault in faults(document, event, value)] == []
