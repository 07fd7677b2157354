"""The generated Python client: what mypy makes of it, and what it does against a running server."""

import asyncio
import importlib.util
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from pdm_app.rpc.description import python_client_text
from pdm_app.rpc.root import root as product_root
from pdm_app.trpc import MISSING, Missing, Router, RouterError, Tracked, tracked
from pdm_app.trpc.python_bundle import MODULES, BundleError, client_bundle
from pdm_app.trpc.python_client import python_client
from pdm_app.trpc.python_types import PythonTypes, docstring, facts_words, identifier
from tests.trpc.conftest import Served
from tests.trpc.reference import root as reference_root
from tests.trpc.types import kinds

HERE = Path(__file__).parent / "python"
CACHE = Path(__file__).parents[2] / ".cache" / "mypy-clients"
MYPY = ("--strict", "--config-file=", "--python-version=3.11", "--no-pretty", "--show-error-codes")
MYPY_TIMEOUT_S = 240


class Project:
    """A folder with generated clients beside the programs of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, router in (("reference", reference_root), ("kinds", kinds.root)):
            (folder / f"{name}_client.py").write_text(python_client(router), encoding="utf-8")
        (folder / "product_client.py").write_text(python_client_text(), encoding="utf-8")
        for name in ("use", "mistakes"):
            (folder / f"{name}.py").write_text((HERE / f"{name}.txt").read_text(encoding="utf-8"), encoding="utf-8")

    def check(self, *files: str) -> list[tuple[str, int, str]]:
        """Return file, line and code of each error that ``mypy --strict`` finds."""
        ran = subprocess.run(
            [sys.executable, "-m", "mypy", *MYPY, f"--cache-dir={CACHE}", *files],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=MYPY_TIMEOUT_S,
            check=False,
        )
        errors = [
            (found[1], int(found[2]), found[3])
            for found in re.finditer(r"^([\w.]+):(\d+): error: .*\[([\w-]+)\]$", ran.stdout, re.MULTILINE)
        ]
        assert (ran.returncode == 0) == (not errors), ran.stdout + ran.stderr
        return errors

    def load(self, name: str) -> ModuleType:
        """Import a module of the folder."""
        spec = importlib.util.spec_from_file_location(name, self.folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # Dataclasses look their module up.
        spec.loader.exec_module(module)
        return module


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("python"))


@pytest.fixture(scope="module")
def use(project: Project) -> ModuleType:
    project.load("reference_client")
    return project.load("use")


def test_mypy_takes_the_clients_and_what_a_program_may_rely_on(project: Project) -> None:
    assert project.check("reference_client.py", "kinds_client.py", "product_client.py", "use.py") == []


def test_mypy_finds_each_mistake_and_nothing_else(project: Project) -> None:
    lines = (project.folder / "mistakes.py").read_text(encoding="utf-8").splitlines()
    expected = [
        ("mistakes.py", number, line.rpartition("# expect: ")[2])
        for number, line in enumerate(lines, start=1)
        if "# expect: " in line
    ]
    assert len(expected) >= 9
    assert project.check("mistakes.py") == expected


async def test_the_asynchronous_client_does_what_its_types_say(use: ModuleType, served: Served) -> None:
    await use.asynchronously(served.http_url)


async def test_the_blocking_client_does_what_its_types_say(use: ModuleType, served: Served) -> None:
    await asyncio.to_thread(use.blocking, served.http_url)


def test_the_client_stands_alone(project: Project) -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); import product_client; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=project.folder, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(ran.stdout.split())
    assert {"httpx", "websockets"} <= loaded
    assert loaded.isdisjoint({"pdm_app", "pydantic", "orjson", "starlette", "reflex"})


def test_every_procedure_of_the_product_is_a_method_of_both_clients(project: Project) -> None:
    module = project.load("product_client")
    for client in (module.Client("http://127.0.0.1:9/trpc"), module.AsyncClient("http://127.0.0.1:9/trpc")):
        for procedure in product_root.procedures():
            held: Any = client
            for part in procedure.path.split("."):
                held = getattr(held, identifier(part))
            assert callable(held)
            assert procedure.doc.partition("\n")[0] in held.__doc__
        if isinstance(client, module.Client):
            client.close()


@pytest.mark.parametrize("router", [reference_root, kinds.root, product_root], ids=["reference", "kinds", "product"])
def test_the_same_router_always_gives_the_same_text(router: Router[Any]) -> None:
    assert python_client(router) == python_client(router)


class Reading(NamedTuple):
    value: float
    unit: str | None


class Frame(BaseModel):
    rows: list[Reading]
    by_name: dict[str, Reading] = {}
    newest: Reading | None = None
    pair: tuple[int, tuple[str, int]] = (1, ("a", 2))


class Plain(BaseModel):
    kind: Literal["plain"] = "plain"


class Packed(BaseModel):
    kind: Literal["packed"] = "packed"
    row: Reading


async def test_lists_of_a_fixed_length_arrive_as_the_tuples_they_are_typed_as(tmp_path: Path) -> None:
    router: Router[None] = Router()
    reading = Reading(1.5, None)

    @router.query()
    async def frame(ctx: None) -> Frame:
        return Frame(rows=[reading, reading], by_name={"a": reading}, newest=None)

    @router.query()
    async def choice(ctx: None, *, packed: bool) -> Annotated[Plain | Packed, Field(discriminator="kind")]:
        return Packed(row=reading) if packed else Plain()

    @router.subscription()
    async def rows(ctx: None) -> AsyncIterator[Tracked[Reading]]:
        yield tracked("1", reading)

    (tmp_path / "tuples_client.py").write_text(python_client(router), encoding="utf-8")
    client = _loaded(tmp_path, "tuples_client")
    values = {
        "frame": {"rows": [[1.5, None]], "by_name": {"a": [1.5, None]}, "newest": [2, "C"], "pair": [1, ["a", 2]]},
        "choice": {"kind": "packed", "row": [1.5, None]},
    }
    link = _Canned(values)
    got = await client.AsyncClient.over(link).frame()
    assert got["rows"] == [(1.5, None)]
    assert got["rows"][0].value == 1.5
    assert got["by_name"]["a"].unit is None
    assert got["newest"] == client.Reading(2, "C")
    assert got["pair"] == (1, ("a", 2))
    assert (await client.AsyncClient.over(link).choice(packed=True))["row"].value == 1.5
    values["choice"] = {"kind": "plain"}
    assert await client.AsyncClient.over(link).choice(packed=False) == {"kind": "plain"}
    assert client.AsyncClient.over(link).rows() == client.Reading(1.5, None)


class _Canned:
    """Answers as a connection would; what is under test is what the generated methods make of it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    async def query(self, path: str, input: Any = None) -> Any:
        return self._values[path]

    def subscribe(self, path: str, *, read: Any) -> Any:
        return read([1.5, None])


def _loaded(folder: Path, name: str) -> ModuleType:
    project = Project.__new__(Project)
    project.folder = folder
    return project.load(name)


async def _answer(ctx: None) -> int:
    return 1


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["import", "print"], ["import_", "print"]),
        (["close", "run", "options"], ["close_", "run_", "options_"]),
        (["press.by-id", "press.list"], ["press.by_id", "press.list"]),
        (["Press.self"], ["Press.self"]),
    ],
)
def test_names_that_python_or_the_client_needs_get_an_underscore(paths: list[str], names: list[str]) -> None:
    text = python_client(_router(paths))
    compile(text, "client.py", "exec")
    for name in names:
        assert f"def {name.rpartition('.')[2]}(self" in text


@pytest.mark.parametrize("paths", [["press.by-id", "press.by_id"], ["press", "press.force"]])
def test_two_paths_of_one_name_are_refused(paths: list[str]) -> None:
    with pytest.raises(RouterError, match=r"have one name in Python\. Give one of them another name\."):
        python_client(_router(paths))


def _router(paths: list[str]) -> Router[None]:
    root: Router[None] = Router()
    for path in paths:
        router: Router[None] = Router()
        *above, name = path.split(".")
        router.query(name)(_answer)
        for part in reversed(above):
            router = Router(**{part: router})
        root.merge(router)
    return root


def test_a_method_called_list_does_not_hide_the_type() -> None:
    router: Router[None] = Router()

    @router.query("list")
    async def every(ctx: None, *, str: list[int]) -> list[int]:
        return str

    assert "async def list(self, *, str: Sequence[int]) -> builtins.list[int]:" in python_client(router)


def test_models_named_like_the_clients_own_classes_get_another_name() -> None:
    class Client(BaseModel):
        name: str

    class Link(BaseModel):
        url: str

    router: Router[None] = Router()

    @router.query()
    async def customers(ctx: None) -> list[Client | Link]:
        return []

    text = python_client(router)
    assert "class ClientModel(TypedDict):" in text
    assert "async def customers(self) -> list[ClientModel | LinkModel]:" in text


def test_docstrings_tell_meaning_limits_and_permission() -> None:
    router: Router[None] = Router()

    @router.mutation(permission="presses.write")
    async def press(
        ctx: None, *, force_kn: Annotated[int, Field(ge=1, le=400, description="At the ram.")] = 20, note: str = '"""'
    ) -> Missing:
        r"""Press once, with \ in it."""
        return MISSING

    text = python_client(router)
    compile(text, "client.py", "exec")
    assert "            force_kn: At the ram. 1 to 400. 20 by default.\n" in text
    assert "        Permission: presses.write\n" in text


@pytest.mark.parametrize(
    ("annotation", "answered", "sent"),
    [
        (int | None, "int | None", "int | None"),
        (None | int, "int | None", "int | None"),
        (list[int | None], "list[int | None]", "Sequence[int | None]"),
        (tuple[int, str], "tuple[int, str]", "tuple[int, str]"),
        (tuple[()], "list[Never]", "Sequence[Never]"),
        (tuple[int, ...], "list[int]", "Sequence[int]"),
        (dict[str, list[float]], "dict[str, list[float]]", "Mapping[str, Sequence[float]]"),
        (Literal["a", 1, None, True], 'Literal["a", 1, None, True]', 'Literal["a", 1, None, True]'),
        (Any, "Any", "Any"),
        (int | Any, "Any", "Any"),
        (bytes, "str", "str"),
    ],
)
def test_a_type_is_written_as_a_person_would(annotation: Any, answered: str, sent: str) -> None:
    adapter = TypeAdapter(annotation)
    assert PythonTypes().of(adapter.json_schema(mode="serialization")) == answered
    assert PythonTypes(is_sent=True).of(adapter.json_schema(mode="validation")) == sent


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (True, "Any"),
        (False, "Never"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"const": 1.5}, "float"),
        ({"enum": [["a"]]}, "Any"),
        ({"allOf": [{"type": "integer"}]}, "int"),
        ({"type": "object"}, "dict[str, Never]"),
        ({"type": "object", "additionalProperties": True}, "dict[str, Any]"),
        ({"type": "array", "maxItems": 0}, "list[Never]"),
    ],
)
def test_schemas_that_models_bring_along_are_understood(schema: Any, written: str) -> None:
    assert PythonTypes().of(schema) == written


def test_a_docstring_of_nothing_is_none_and_a_quote_at_its_end_is_apart() -> None:
    assert docstring(" ", 1) == ""
    assert docstring('Say "no"', 0) == '"""Say "no" """\n'
    assert facts_words({"type": "string", "format": "uuid"}, is_sent=False) == "A UUID."


def test_the_modules_of_the_client_fit_together() -> None:
    bundle = client_bundle()
    compile(f"from __future__ import annotations\n{bundle.imports}\n{bundle.code}", "bundle.py", "exec")
    assert "pdm_app" not in bundle.imports
    assert "from pdm_app" not in bundle.code
    assert {"Link", "CallError", "Tracked", "MISSING", "AsyncClientBase", "ClientBase"} <= bundle.names


def test_two_modules_that_contradict_each_other_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdm_app.trpc.python_bundle.MODULES", (*MODULES, "http"))
    client_bundle.cache_clear()
    with pytest.raises(BundleError, match=r"is defined differently before; give it another name\."):
        client_bundle()
    client_bundle.cache_clear()
