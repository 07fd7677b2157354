"""The generated router types, compiled by TypeScript itself together with programs that use them."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, create_model
from typing_extensions import TypedDict

from pdm_app.rpc.errors import ProductErrorData
from pdm_app.rpc.root import root as product_root
from pdm_app.trpc import Router, RouterError, app_router_types
from pdm_app.trpc.introspection import describe_router
from pdm_app.trpc.typescript_types import TypeWriter, doc_comment
from tests.counterparts.npm import find_program, install_locked
from tests.trpc.reference import root as reference_root
from tests.trpc.types import kinds

PROJECT = Path(__file__).parent / "types"
COMPILERS = {"newest": "typescript", "oldest": "typescript-oldest"}  # The oldest is the one @trpc/client asks for.
COMPILE_TIMEOUT_S = 120.0
STRICTER = ("--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noPropertyAccessFromIndexSignature")


class Project:
    """A TypeScript project in a folder of its own, with generated router types beside the programs of the tests."""

    def __init__(self, folder: Path, packages: Path) -> None:
        self.folder = folder
        self._packages = packages

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def add(self, *names: str) -> None:
        """Take programs of the sample project over."""
        for name in names:
            self.write(name, (PROJECT / name).read_text(encoding="utf-8"))

    def compile(self, compiler: str = "newest", *options: str) -> list[tuple[str, int, str]]:
        """Return file, line and code of each error that ``tsc --strict`` finds."""
        tsc = self._packages / "node_modules" / COMPILERS[compiler] / "bin" / "tsc"
        ran = subprocess.run(
            [str(find_program("node")), str(tsc), "--project", str(self.folder), "--pretty", "false", *options],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
        errors = [
            (found[1], int(found[2]), found[3])
            for found in re.finditer(r"^([^\s(]+)\((\d+),\d+\): error (TS\d+)", ran.stdout, re.MULTILINE)
        ]
        assert (ran.returncode == 0) == (not errors), ran.stdout + ran.stderr
        return errors


@pytest.fixture(scope="module")
def packages() -> Path | str:
    return install_locked(PROJECT, "trpc-types")


@pytest.fixture
def project(packages: Path | str, need: Callable[[str, object], None]) -> Iterator[Project]:
    """A project with the types of the reference router and nothing that uses them yet."""
    need(packages if isinstance(packages, str) else "npm packages", isinstance(packages, Path))
    assert isinstance(packages, Path)
    folder = Path(tempfile.mkdtemp(prefix="project-", dir=packages))
    try:
        made = Project(folder, packages)
        made.add("tsconfig.json", "equal.ts")
        made.write("app-router.d.ts", app_router_types(reference_root))
        yield made
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_client_of_the_reference_router_has_the_types_it_relies_on(project: Project, compiler: str) -> None:
    project.add("reference.ts")
    assert project.compile(compiler) == []


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_kind_of_python_type_has_its_typescript_type(project: Project, compiler: str) -> None:
    project.write("kinds-router.d.ts", app_router_types(kinds.root))
    project.add("kinds.ts")
    assert project.compile(compiler) == []


@pytest.mark.parametrize("compiler", COMPILERS)
def test_an_integration_of_the_product_compiles(project: Project, compiler: str) -> None:
    project.write("product-router.d.ts", app_router_types(product_root, error_data=ProductErrorData))
    project.add("product.ts")
    assert project.compile(compiler) == []


def test_the_types_also_hold_under_the_options_of_careful_teams(project: Project) -> None:
    project.write("kinds-router.d.ts", app_router_types(kinds.root))
    project.write("product-router.d.ts", app_router_types(product_root, error_data=ProductErrorData))
    project.add("reference.ts", "kinds.ts", "product.ts")
    assert project.compile("newest", *STRICTER) == []


@pytest.mark.parametrize("compiler", COMPILERS)
def test_tanstack_query_has_the_types_it_relies_on(project: Project, compiler: str) -> None:
    project.add("tanstack.ts")
    assert project.compile(compiler) == []


def test_each_mistake_is_an_error_and_nothing_else_is(project: Project) -> None:
    project.write("product-router.d.ts", app_router_types(product_root, error_data=ProductErrorData))
    project.add("reference.ts", "product-client.ts", "tanstack.ts")
    (project.folder / "mistakes").mkdir()
    expected = []
    for file in sorted((PROJECT / "mistakes").iterdir()):
        text = file.read_text(encoding="utf-8")
        project.write(f"mistakes/{file.name}", text)
        code = text.partition("\n")[0].removeprefix("// ")
        expected.append((f"mistakes/{file.name}", text.count("\n"), code))  # It is on the last line.
    assert len(expected) >= 9
    assert sorted(project.compile()) == expected


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [
        ("greet: QueryProcedure<GreetInput, Greeting>", "greet: QueryProcedure<GreetInput, any>"),
        ("transformer: false", "transformer: true"),
        ("create: MutationProcedure<", "create: QueryProcedure<"),
        ("text: string", "text?: string"),
        ("tags?: string[] | null", "tags: string[] | null"),
        ("Tracked<Tick>", "Tick"),
    ],
    ids=["a result is any", "a transformer", "a mutation is a query", "optional", "required", "no event id"],
)
def test_damaged_types_do_not_compile(project: Project, sound: str, damaged: str) -> None:
    project.add("reference.ts")
    types = app_router_types(reference_root)
    assert types.count(sound) == 1
    project.write("app-router.d.ts", types.replace(sound, damaged))
    assert project.compile() != []


@pytest.mark.parametrize("router", [reference_root, kinds.root, product_root], ids=["reference", "kinds", "product"])
def test_nothing_is_any(router: Router[Any]) -> None:
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", app_router_types(router), flags=re.DOTALL)
    assert "interface" in code
    assert re.findall(r"\bany\b", code) == []


@pytest.mark.parametrize("router", [kinds.root, product_root], ids=["kinds", "product"])
def test_the_same_router_always_gives_the_same_text(router: Router[Any]) -> None:
    types = app_router_types(router)
    assert types == app_router_types(router)
    declared = re.findall(r"^export (?:interface|type) (\w+)", types, re.MULTILINE)
    models = declared[: declared.index("AppErrorData")]
    assert models == sorted(set(models))


def test_docstrings_and_metadata_are_comments() -> None:
    router: Router[None] = Router()

    @router.query(permission="presses.read", cached_s=5)
    async def force(ctx: None) -> float:
        """Return the force in kN.

        A press at rest has ``0.0``, */ and nothing less.
        """
        return 0.0

    assert (
        "  /**\n   * Return the force in kN.\n   *\n   * A press at rest has `0.0`, *\\/ and nothing less.\n"
        "   * @permission presses.read\n   * @cached_s 5\n   */\n  force: QueryProcedure<void, number>;\n"
    ) in app_router_types(router)


def test_limits_and_defaults_are_told_to_those_who_send_a_value_only() -> None:
    class Press(BaseModel):
        force_kn: Annotated[int, Field(ge=1, le=400, description="At the ram.")] = 20

    router: Router[None] = Router()

    @router.query()
    async def get(ctx: None) -> Press:
        return Press()

    assert "  /** At the ram. */\n  force_kn: number;\n" in app_router_types(router)

    @router.mutation("set")
    async def put(ctx: None, input: Press) -> None:
        return None

    assert (
        "export interface PressInput {\n  /**\n   * At the ram.\n   * @minimum 1\n   * @maximum 400\n"
        "   * @default 20\n   */\n  force_kn?: number;\n}"
    ) in app_router_types(router)


def test_the_application_says_what_error_data_holds() -> None:
    class Data(TypedDict, total=False):
        retry_after_s: float

    types = app_router_types(Router[None](), error_data=Data)
    assert "AppErrorData extends TRPCDefaultErrorData {\n  retry_after_s?: number;\n}" in types
    assert "Issue" not in types


def test_error_data_that_is_no_object_is_refused() -> None:
    with pytest.raises(TypeError, match="error_data must be a type whose JSON is an object, not <class 'int'>"):
        app_router_types(Router[None](), error_data=int)


async def _answer(ctx: None) -> int:
    return 1


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["press.then"], "'press.then': a JavaScript client keeps 'then' for itself"),
        (["apply.all"], "'apply.all': a JavaScript client keeps 'apply' for itself"),
        (["press", "press.force"], "'press.force': 'press' is a procedure already"),
        (["press.force", "press"], "'press': there are procedures below it"),
    ],
)
def test_a_path_that_no_client_could_call_is_refused(paths: list[str], message: str) -> None:
    root: Router[None] = Router()
    for path in paths:
        router: Router[None] = Router()
        *above, name = path.split(".")
        router.query(name)(_answer)
        for part in reversed(above):
            router = Router(**{part: router})
        root.merge(router)
    with pytest.raises(RouterError, match=re.escape(f"{message}. Give it another name.")):
        app_router_types(root)


def test_inputs_made_of_fields_have_the_name_of_their_path() -> None:
    presses, pumps = Router[None](), Router[None]()

    async def by_id(ctx: None, *, id: str) -> None:
        return None

    presses.query()(by_id)
    pumps.query()(by_id)
    described = describe_router(Router[None](presses=presses, pumps=pumps))
    assert [schema.input for schema in described.procedures] == [
        {"$ref": "#/$defs/PressesByIdInput"},
        {"$ref": "#/$defs/PumpsByIdInput"},
    ]
    assert described.sent == {"PressesByIdInput", "PumpsByIdInput"}
    assert set(described.definitions) == {"Issue", "PressesByIdInput", "PumpsByIdInput"}


@pytest.mark.parametrize(
    ("annotation", "written"),
    [
        (int | None, "number | null"),
        (list[int | None], "(number | null)[]"),
        (list[Literal["a | b", "(c"]], '("a | b" | "(c")[]'),
        (list[Literal["a | b"]], '"a | b"[]'),
        (list[tuple[int | None, str]], "[number | null, string][]"),
        (tuple[()], "[]"),
        (dict[str, list[float]], "Record<string, number[]>"),
        (dict[Literal["a", "b"], bool], 'Partial<Record<"a" | "b", boolean>>'),
        (dict[Annotated[str, Field(pattern="^x-")], int], "Record<string, number>"),
        (list[Any], "unknown[]"),
        (dict[str, Any], "Record<string, unknown>"),
        (Any | None, "unknown"),
        (frozenset[bytes], "string[]"),
        (Literal[1, "1", None], '1 | "1" | null'),
    ],
)
def test_a_type_is_written_as_a_person_would(annotation: Any, written: str) -> None:
    assert TypeWriter(is_sent=False).type_of(TypeAdapter(annotation).json_schema()) == written


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (True, "unknown"),
        (False, "never"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"allOf": [{"$ref": "#/$defs/A"}, {"anyOf": [{"type": "null"}, {"type": "string"}]}]}, "A & (null | string)"),
        ({"type": "object", "properties": {"a-b": {"type": "string"}}}, '{\n  "a-b"?: string;\n}'),
        ({"type": "object"}, "Record<string, never>"),
        ({"type": "array", "prefixItems": [{"type": "null"}], "minItems": 1, "items": {}}, "[null, ...unknown[]]"),
        ({"enum": [["a"]]}, "unknown"),
    ],
)
def test_schemas_that_models_bring_along_are_understood(schema: Any, written: str) -> None:
    assert TypeWriter(is_sent=False).type_of(schema) == written


def test_a_comment_of_nothing_is_no_comment() -> None:
    assert doc_comment("", 1) == ""


def test_a_long_enumeration_is_written_one_value_a_line() -> None:
    values = [f"presses.force_{number}" for number in range(12)]
    written = TypeWriter(is_sent=False).declaration("Permission", {"enum": values})
    assert written.splitlines()[:2] == ["export type Permission =", '  | "presses.force_0"']
    assert len(written.splitlines()) == 13


def large_router(count: int) -> Router[None]:
    """Return a router of so many procedures, each with an input and a result of its own."""
    nouns: dict[str, Router[None]] = {}
    for number in range(count):
        below: Any = create_model(f"Part{number}", weight_kg=(float, ...), code=(str, "x"), made_by=(str | None, None))
        kind: Any = Literal["a", "b"]
        taken: Any = create_model(f"Order{number}", quantity=(int, 1), parts=(list[below], ...), kind=(kind, "a"))

        async def order(ctx: None, input: Any) -> Any:
            return input

        order.__annotations__ = {"ctx": None, "input": taken, "return": taken}
        noun = nouns.setdefault(f"noun{number // 20}", Router())
        (noun.query if number % 3 else noun.mutation)(f"call{number}")(order)
    return Router(**nouns)


@pytest.mark.parametrize(
    ("compiler", "limit_s"),
    [("newest", 30.0), pytest.param("oldest", 90.0, marks=[pytest.mark.long, pytest.mark.alone])],
)
def test_five_hundred_procedures_compile_in_reasonable_time(project: Project, compiler: str, limit_s: float) -> None:
    started = time.perf_counter()
    types = app_router_types(large_router(500))
    generated = time.perf_counter()
    assert len(re.findall(r"^export interface (?:Order|Part)", types, re.MULTILINE)) == 2_000
    project.write("app-router.d.ts", types)
    calls = "".join(
        f"  is<Equal<Awaited<ReturnType<typeof client.noun{number // 20}.call{number}.query>>['kind'], 'a' | 'b'>>();\n"
        for number in range(500)
        if number % 3
    )
    project.write(
        "large.ts",
        "import { createTRPCClient, httpBatchLink } from '@trpc/client';\n"
        "import type { AppRouter } from './app-router.js';\nimport { is, type Equal } from './equal.js';\n"
        "const client = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: '/trpc' })] });\n"
        f"export function calls() {{\n{calls}}}\n",
    )
    assert project.compile(compiler) == []
    compiled = time.perf_counter()
    times = f"{generated - started:.1f} s to generate, {compiled - generated:.1f} s to type-check"
    sys.stdout.write(f"500 procedures, {compiler} TypeScript: {times}\n")
    assert generated - started < limit_s
    assert compiled - generated < limit_s
