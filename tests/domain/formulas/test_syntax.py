"""The language of formulas: what it takes, what it refuses, and where it points."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.formulas.syntax import (
    DEPTH_MAX,
    LENGTH_MAX,
    Binary,
    Call,
    Choice,
    FormulaError,
    Node,
    Number,
    Prefixed,
    Reference,
    Truth,
    parse,
    walk,
)


def rebuilt(node: Node) -> str:
    """Write a tree with every parenthesis."""
    match node:
        case Number(value=value, is_span=is_span):
            return f"{value!r}s" if is_span else repr(value)
        case Truth(value=value):
            return str(value).lower()
        case Reference():
            return str(node)
        case Prefixed(operator=operator, operand=operand):
            return f"({operator} {rebuilt(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({rebuilt(left)} {operator} {rebuilt(right)})"
        case Choice(condition=condition, chosen=chosen, other=other):
            return f"({rebuilt(chosen)} if {rebuilt(condition)} else {rebuilt(other)})"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(rebuilt(argument) for argument in arguments)})"


@pytest.mark.parametrize(
    ("formula", "tree"),
    [
        ("1 + 2 * 3", "(1.0 + (2.0 * 3.0))"),
        ("1 - 2 - 3", "((1.0 - 2.0) - 3.0)"),
        ("-x ** 2", "(- (x ** 2.0))"),
        ("2 ** -x", "(2.0 ** (- x))"),
        ("2 ** 3 ** 2", "(2.0 ** (3.0 ** 2.0))"),
        ("a or b and not c", "(a or (b and (not c)))"),
        ("not a == b", "(not (a == b))"),
        ("a if b else c if d else e", "(a if b else (c if d else e))"),
        ("avg(P1.flow, 5m) / P1.rpm", "(avg(P1.flow, 300.0s) / P1.rpm)"),
        ("\"P-101A\".flow + 'G 1'.x", '("P-101A".flow + "G 1".x)'),
        ("count(x, 1.5h)", "count(x, 5400.0s)"),
        ("100ms + 2min", "(0.1s + 120.0s)"),
        ("TRUE", "true"),
        ("a\n+ b", "(a + b)"),
        (".5e-3", "0.0005"),
        ("information + notes", "(information + notes)"),
    ],
)
def test_a_formula_is_read_as_it_is_in_mathematics(formula: str, tree: str) -> None:
    assert rebuilt(parse(formula)) == tree


@pytest.mark.parametrize(
    ("formula", "column", "words"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("a +", 4, "ends too early"),
        ("avg(a, 5m", 10, "Close the parenthesis"),
        ("a b", 3, "An operator or the end"),
        ("a + * b", 5, "A number, a signal or a parenthesis"),
        ("a = 3", 3, "Compare with =="),
        ("1 < 2 < 3", 7, "1 < b and b < c".replace("1", "a")),
        ("a @ b", 3, "means nothing here"),
        ("a.b.c", 4, "cannot stand here"),
        ("a[0]", 2, "means nothing here"),
        ("x if y", 7, "ends too early"),
        ("a +\n b c", 8, "An operator or the end"),
        ("a; b", 2, "means nothing here"),
        ("lambda: 1", 7, "means nothing here"),
        ("().__class__", 2, "cannot stand here"),
        ("f'{a}'", 2, "cannot stand here"),
        ("a := 3", 3, "means nothing here"),
    ],
)
def test_what_is_not_of_the_language_is_refused_at_its_column(formula: str, column: int, words: str) -> None:
    with pytest.raises(FormulaError) as refused:
        parse(formula)
    assert refused.value.column == column
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "formula",
    ["(" * 5_00 + "a" + ")" * 500, "-" * 500 + "a", "not " * 300 + "a", "2 ** " * 300 + "2", "a if b else " * 60 + "c"],
)
def test_depth_is_bounded_before_anything_recurses(formula: str) -> None:
    with pytest.raises(FormulaError, match=f"more than {DEPTH_MAX} deep"):
        parse(formula)


def test_length_and_parts_are_bounded() -> None:
    with pytest.raises(FormulaError, match="characters"):
        parse("a" * (LENGTH_MAX + 1))
    with pytest.raises(FormulaError, match="parts"):
        parse("+".join(["a"] * 150))


@given(st.text(max_size=60) | st.text(alphabet="ab1.5m()+-*/%<>=!'\" \nifelsenotandor,", max_size=60))
def test_any_text_is_a_tree_or_an_error_with_a_column_inside(formula: str) -> None:
    try:
        node = parse(formula)
    except FormulaError as error:
        assert 1 <= error.column <= len(formula) + 1  # noqa: PT017  # Either outcome is right.
    else:
        assert len(walk(node)) >= 1


NUMBERS = st.floats(0, 1e6, allow_nan=False).map(lambda value: f"{value:.3f}")
EXPRESSIONS = st.recursive(
    NUMBERS | st.sampled_from(["a", "b"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "<", "=="]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        )
        | inner.map(lambda part: f"-({part})")
        | st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]}) if ({parts[1]}) else ({parts[2]})")
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_structure_is_that_of_the_language_it_looks_like(formula: str) -> None:
    """Only the shape is compared; nothing is executed."""
    ours = ast.dump(ast.parse(rebuilt(parse(formula)), mode="eval"))
    assert ours == ast.dump(ast.parse(floated(formula), mode="eval"))


def floated(formula: str) -> str:
    """Write every number as we do."""
    tree = ast.parse(formula, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = float(str(node.value))
    return ast.unparse(tree)
