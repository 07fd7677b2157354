"""The code that the API page shows, for every procedure: it compiles, fits the client and is answered."""

import ast
import asyncio
import inspect
import json
import shlex
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import Role
from pdm_app.rpc.description import document, python_client_text, typescript_types
from pdm_app.rpc.server import REST_PREFIX
from pdm_app.trpc import MISSING
from tests.counterparts.npm import find_program
from tests.counterparts.whole_product import WholeProduct, whole_product
from tests.rpc.calls import sensible_input
from tests.rpc.people_calls import LET_IN_BUT_WRONG
from tests.trpc.test_typescript import Project, packages, project

__all__ = ["packages", "project"]

SNIPPETS = Path(__file__).parents[2] / "pdm_app" / "ui" / "browser" / "api_snippets.js"
ORIGIN = "http://127.0.0.1:8000"
GLOBALS = "declare const process: { env: Record<string, string | undefined> };\n"
WRITE = """
import {{ snippets }} from "{module}";
let given = "";
for await (const part of process.stdin) given += part;
const {{ calls, origin, prefix }} = JSON.parse(given);
const written = calls.map(({{ procedure, input }}) => snippets(procedure, input ?? undefined, origin, prefix));
process.stdout.write(JSON.stringify(written));
"""
Written = dict[str, dict[str, str]]


def written(inputs: Mapping[str, Any], origin: str = ORIGIN) -> Written:
    """The code of each procedure with its input, as the page's own module writes it."""
    node = find_program("node")
    if node is None:
        pytest.skip("needs Node, which the build lock brings")
    procedures = document()["procedures"]
    calls = [{"procedure": procedure, "input": inputs.get(procedure["path"])} for procedure in procedures]
    done = subprocess.run(
        [node, "--no-warnings", "--input-type=module", "-e", WRITE.format(module=SNIPPETS.as_uri())],
        input=json.dumps({"calls": calls, "origin": origin, "prefix": REST_PREFIX}),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {procedure["path"]: code for procedure, code in zip(procedures, json.loads(done.stdout), strict=True)}


def inputs_of(product: WholeProduct) -> dict[str, Any]:
    found = {
        procedure["path"]: sensible_input(procedure["path"], product.ours) for procedure in document()["procedures"]
    }
    return {path: given for path, given in found.items() if given is not MISSING}


@pytest.fixture
async def inputs(sqlite_url: str, tmp_path: Path) -> dict[str, Any]:
    async with whole_product(sqlite_url, tmp_path) as product:
        return inputs_of(product)


async def test_typescript_compiles_against_the_types_that_the_page_saves(
    inputs: dict[str, Any], project: Project, need: Callable[[str, object], None]
) -> None:
    project.write("app-router.d.ts", typescript_types())
    project.write("globals.d.ts", GLOBALS)
    for path, code in written(inputs).items():
        project.write(f"{path}.ts", code["typescript"])
    assert project.compile() == []
    project.write("wrong.ts", written({})["history.envelope"]["typescript"])  # What must be sent is left out.
    assert [(file, fault) for file, _, fault in project.compile()] == [("wrong.ts", "TS2554")]


async def test_python_fits_the_client_that_is_generated(inputs: dict[str, Any]) -> None:
    module = types.ModuleType("pdm_client")
    sys.modules[module.__name__] = module  # Dataclasses look themselves up there.
    try:
        exec(compile(python_client_text(), "pdm_client.py", "exec"), module.__dict__)  # noqa: S102 - our own text
        client = module.__dict__["Client"](f"{ORIGIN}/trpc", token="none")
        for path, code in written(inputs).items():
            tree = ast.parse(code["python"])
            (call,) = [
                node
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and ast.unparse(node.func) == f"client.{path}"
            ]
            function = client
            for name in path.split("."):
                function = getattr(function, name)
            arguments = [ast.literal_eval(argument) for argument in call.args]
            named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
            inspect.signature(function).bind(*arguments, **named)
            sent = named or (arguments[0] if arguments else None)
            assert sent == inputs.get(path), path
        client.close()
    finally:
        del sys.modules["pdm_client"]


async def test_every_query_of_curl_is_answered_and_every_change_sends_what_was_filled_in(
    sqlite_url: str, tmp_path: Path, need: Callable[[str, object], None]
) -> None:
    curl = shutil.which("curl")
    need("curl", curl)
    async with whole_product(sqlite_url, tmp_path) as product:
        inputs = inputs_of(product)
        token = (await product.sign_in(Role.ADMIN)).access_token
        kinds = {procedure["path"]: procedure for procedure in document()["procedures"]}
        refused = {}
        for path, code in written(inputs, product.url).items():
            line = code["curl"].replace("\\\n", " ")  # As a shell does; shlex leaves the line break.
            words = shlex.split(line.replace("$PDM_TOKEN", token))
            assert words[0] == "curl"
            if kinds[path]["type"] == "query":
                said = tmp_path / "answer"
                said.write_bytes(b"")
                process = await asyncio.create_subprocess_exec(
                    *words, "-o", str(said), "-w", "%{http_code}", stdout=subprocess.PIPE
                )
                status, _ = await asyncio.wait_for(process.communicate(), 30)
                if status != b"200" and path not in LET_IN_BUT_WRONG:
                    refused[path] = (status, said.read_text(encoding="utf-8")[:300])
            elif "-d" in words:
                body = json.loads(words[words.index("-d") + 1])
                assert body.items() <= inputs[path].items(), path
        assert refused == {}
