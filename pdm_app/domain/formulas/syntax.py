"""The language of formulas and the tree that one is read into.

``avg(P1.flow, 5m) / P1.rpm if P1.running else 0``. It looks like Python and is not: there are numbers, spans of time,
signals, operators and the functions of `pdm_app.domain.formulas.functions`, and nothing else that could be named.

A signal is written ``flow`` (of the same asset), ``P1.flow``, or ``"P-101A".flow`` where the asset's name is no plain
word.
"""

from dataclasses import dataclass

LENGTH_MAX = 2_000
NODES_MAX = 200
DEPTH_MAX = 40
SPAN_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}


class FormulaError(ValueError):
    """A formula cannot be used; says where and what to do.

    Attributes:
        column: Position of the first character that is meant, counted from 1.
        fix: What to write instead.
    """

    def __init__(self, message: str, column: int, fix: str = "") -> None:
        super().__init__(f"Column {column}: {message}" + (f" {fix}" if fix else ""))
        self.message = message
        self.column = column
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Number:
    """A literal; ``is_span`` for a span of time, then in seconds."""

    column: int
    value: float
    is_span: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    column: int
    value: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A signal; ``asset`` is empty for one of the asset that the formula belongs to."""

    column: int
    asset: str
    name: str

    def __str__(self) -> str:
        if not self.asset:
            return self.name
        return f"{self.asset}.{self.name}" if self.asset.isidentifier() else f'"{self.asset}".{self.name}'


@dataclass(frozen=True, slots=True)
class Prefixed:
    """``-x``, ``+x`` or ``not x``."""

    column: int
    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, a comparison, ``and`` or ``or``; ``column`` is that of the operator."""

    column: int
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """``chosen if condition else other``."""

    column: int
    condition: "Node"
    chosen: "Node"
    other: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    column: int
    function: str
    arguments: tuple["Node", ...]


Node = Number | Truth | Reference | Prefixed | Binary | Choice | Call


def parse(formula: str) -> Node:
    """Read a formula.

    Raises:
        FormulaError: It is empty, too long, too deep, or not of the language; names the column.
    """
    if not formula.strip():
        raise FormulaError("The formula is empty.", 1, "Begin with a signal, such as P1.flow.")
    if len(formula) > LENGTH_MAX:
        raise FormulaError(f"The formula has {len(formula)} characters; {LENGTH_MAX} are allowed.", LENGTH_MAX + 1)
    _refuse_deep(formula)
    from pdm_app.domain.formulas.grammar import read  # The parser is loaded with the first formula.

    node = read(formula)
    if (count := sum(1 for _ in walk(node))) > NODES_MAX:
        raise FormulaError(f"The formula has {count} parts; {NODES_MAX} are allowed.", 1, "Split it into two signals.")
    return node


def walk(node: Node) -> "list[Node]":
    """Return the node and everything below it, parents first."""
    found, waiting = [], [node]
    while waiting:
        here = waiting.pop()
        found.append(here)
        match here:
            case Prefixed(operand=operand):
                waiting.append(operand)
            case Binary(left=left, right=right):
                waiting += (right, left)
            case Choice(condition=condition, chosen=chosen, other=other):
                waiting += (other, chosen, condition)
            case Call(arguments=arguments):
                waiting += reversed(arguments)
            case _:
                pass
    return found


def _refuse_deep(formula: str) -> None:
    """Refuse what would make a tree deeper than any evaluation recurses; operators of equal rank do not nest."""
    depth = 0
    signs = 0
    for column, character in enumerate(formula, 1):
        if character in "(":
            depth += 1
        elif character in ")":
            depth -= 1
        signs = signs + 1 if character in "+-*" else 0 if not character.isspace() else signs
        if max(depth, signs) > DEPTH_MAX:
            raise FormulaError(f"It is nested more than {DEPTH_MAX} deep.", column, "Split it into two signals.")
    chained = sum(formula.count(word) for word in ("**", "not ", " if "))
    if chained > DEPTH_MAX:
        raise FormulaError(f"It is nested more than {DEPTH_MAX} deep.", 1, "Split it into two signals.")
