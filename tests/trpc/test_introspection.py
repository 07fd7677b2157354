"""Definitions have names that tell them apart, and schemas have words."""

import json
import re
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest
from openapi_schema_validator import OAS31Validator
from pydantic import TypeAdapter

from pdm_app.trpc import ByteStream, Router, describe_router, router_document
from pdm_app.trpc.introspection_names import definition_names, pascal_case
from pdm_app.trpc.introspection_words import NOTHING, fields_words, input_words, output_words, words_of
from tests.trpc.types import kinds


def test_a_class_alone_keeps_its_name() -> None:
    assert definition_names({"Press": {}}, {}) == {"Press": "Press"}


def test_what_differs_by_direction_is_told_apart_by_it() -> None:
    assert definition_names({"Press-Input": {}, "Press-Output": {}}, {}) == {
        "Press-Input": "PressInput",
        "Press-Output": "Press",
    }


def test_two_classes_of_one_name_have_as_many_modules_in_front_as_it_takes() -> None:
    near = {"plant__hall__presses__Press": {"title": "Press"}, "plant__hall__pumps__Press": {"title": "Press"}}
    assert sorted(definition_names(near, {}).values()) == ["PressesPress", "PumpsPress"]
    far = {"plant__north__presses__Press": {"title": "Press"}, "plant__south__presses__Press": {"title": "Press"}}
    assert sorted(definition_names(far, {}).values()) == ["NorthPressesPress", "SouthPressesPress"]


def test_two_classes_of_one_name_in_one_module_are_numbered() -> None:
    keys = {"plant__Press__1": {"title": "Press"}, "plant__Press__2": {"title": "Press"}}
    assert definition_names(keys, {}) == {"plant__Press__1": "Press", "plant__Press__2": "Press2"}


def test_names_stay_apart_however_often_they_are_taken() -> None:
    keys: dict[str, dict[str, Any]] = {"Press": {}, "input of press": {}, "input of a press": {}, "Record": {}}
    own = {"input of press": "Press", "input of a press": "Press"}
    assert definition_names(keys, own, reserved={"Record", "Press2"}) == {
        "Press": "Press",
        "input of a press": "Press3",
        "input of press": "Press4",
        "Record": "RecordModel",
    }


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("assets.by_id", "AssetsById"),
        ("countRaw", "CountRaw"),
        ("Page[Asset]", "PageAsset"),
        ("by-name", "ByName"),
        ("3d.model", "Model3dModel"),
        ("_", "Model"),
    ],
)
def test_names_are_pascal_case(words: str, name: str) -> None:
    assert pascal_case(words) == name


def test_definitions_of_real_models_of_one_name_are_told_apart() -> None:
    names = describe_router(kinds.root).definitions
    assert {"NamesakesPost", "ReferencePost"} <= set(names)
    assert names["NamesakesPost"]["properties"].keys() == {"height_mm"}
    assert names["ReferencePost"]["properties"].keys() == {"id", "title", "tags"}


def test_results_carry_their_defaults_and_inputs_need_not() -> None:
    definitions = describe_router(kinds.root).definitions
    assert "height_mm" in definitions["Rectangle"]["required"]
    assert "height_mm" not in definitions["RectangleInput"]["required"]


def test_the_field_by_which_a_union_is_told_apart_is_required() -> None:
    definitions = describe_router(kinds.root).definitions
    assert "kind" in definitions["CircleInput"]["required"]
    assert "default" in definitions["CircleInput"]["properties"]["kind"]


def test_schemas_refer_only_to_definitions_that_are_there() -> None:
    described = describe_router(kinds.root)
    text = str([described.definitions, described.procedures])
    referred = {part.split("'")[0] for part in text.split("#/$defs/")[1:]}
    assert referred <= set(described.definitions)
    assert len(referred) > 20


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "integer"),
        (bool | None, "yes or no or nothing"),
        (list[str | None], "list of (text or nothing)"),
        (list[list[int]], "list of list of integer"),
        (dict[str, float], "number by key"),
        (tuple[int, str], "[integer, text]"),
        (Literal["a", "b"], "“a” or “b”"),
        (Literal["a"], "“a”"),
        (datetime, "time"),
        (date, "date"),
        (timedelta, "duration"),
        (UUID, "UUID"),
        (Any, "anything"),
        (None, "nothing"),
    ],
)
def test_a_type_has_words(annotation: Any, words: str) -> None:
    assert words_of(TypeAdapter(annotation).json_schema()) == words


def test_inputs_and_results_have_words() -> None:
    router: Router[None] = Router()

    @router.mutation()
    async def upload(ctx: None, body: ByteStream) -> None:
        return None

    described = describe_router(Router[None](kinds=kinds.kinds, files=router))
    told = {
        schema.procedure.path: (input_words(schema, described), output_words(schema)) for schema in described.procedures
    }
    assert told["files.upload"] == ("a stream of bytes", "nothing")
    assert told["kinds.by-name"] == ("“a” or “b”", "`PageNode`")
    assert told["kinds.defaults"] == (
        "`limit?` integer, `colour?` `Colour`, `shape?` `CircleInput` or `RectangleInput` or nothing",
        "`Reading`",
    )
    assert told["kinds.shapes"] == ("`lastEventId?` text or nothing", "`Circle` or `Rectangle` with an id")
    assert told["kinds.namesakes_of"][1] == "[`NamesakesPost`, `ReferencePost`, `Record`, `AppRouter`]"


def test_what_has_no_fields_has_no_words_for_them() -> None:
    assert fields_words({"type": "string"}) == ""
    assert NOTHING == "–"


def test_one_document_describes_the_whole_router() -> None:
    document = router_document(kinds.root)
    schema = {"$defs": document["$defs"]}
    by_path = {told["path"]: told for told in document["procedures"]}
    assert list(by_path) == [procedure.path for procedure in kinds.root.procedures()]
    for told in document["procedures"]:
        for part in (told["input"], told["output"], told["tracked"]):
            OAS31Validator.check_schema({**(part or {}), **schema})
    for ref in re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(document)):
        assert ref in document["$defs"]
    assert json.dumps(document) == json.dumps(router_document(kinds.root))


def test_the_document_says_where_a_procedure_is_and_what_it_needs() -> None:
    router: Router[None] = Router()

    @router.mutation("delete", permission="assets.write", rest="DELETE /assets/{asset_id}")
    async def remove(ctx: None, *, asset_id: str) -> None:
        """Delete one machine."""

    (told,) = router_document(router)["procedures"]
    assert told["meta"] == {"permission": "assets.write"}
    assert told["rest"] == {"method": "DELETE", "path": "/assets/{asset_id}", "parameters": ["asset_id"], "status": 204}
    assert (told["type"], told["inputForm"], told["inputOptional"]) == ("mutation", "fields", False)
    assert told["doc"] == "Delete one machine."
