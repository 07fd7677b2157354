"""The grammar of formulas, and lark's way from text to our tree; loaded with the first formula."""

from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from pdm_app.domain.formulas.syntax import (
    SPAN_S,
    Binary,
    Call,
    Choice,
    FormulaError,
    Node,
    Number,
    Prefixed,
    Reference,
    Truth,
)

GRAMMAR = r"""
?start: choice
?choice: either
       | either "if" either "else" choice -> choose
?either: both ("or" both)*
?both: negation ("and" negation)*
?negation: comparison
         | NOT negation                   -> prefixed
?comparison: sum (COMPARISON sum)*
?sum: product ((PLUS | MINUS) product)*
?product: sign (PRODUCT sign)*
?sign: power
     | (PLUS | MINUS) sign                -> prefixed
?power: atom
      | atom POWER sign                   -> binary
?atom: SPAN                               -> span
     | NUMBER                             -> number
     | TRUTH                              -> truth
     | NAME                               -> signal
     | (NAME | QUOTED) "." NAME           -> signal
     | NAME "(" (choice ("," choice)*)? ")" -> call
     | "(" choice ")"

NOT: "not"
TRUTH.2: /(true|false)\b/i
COMPARISON: "<=" | ">=" | "==" | "!=" | "<" | ">"
PLUS: "+"
MINUS: "-"
POWER: "**"
PRODUCT: "*" | "/" | "%"
SPAN.3: /\d+(\.\d+)?(ms|min|s|m|h|d)\b/
NUMBER.2: /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
QUOTED: /"[^"\n]{1,80}"|'[^'\n]{1,80}'/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
%ignore /[ \t\r\n]+/
"""


def read(formula: str) -> Node:
    """Read a formula whose length and depth are bounded.

    Raises:
        FormulaError: It is not of the language; names the column.
    """
    try:
        node: Node = _Tree().transform(_grammar().parse(formula.replace("\n", " ")))
    except VisitError as error:
        if isinstance(error.orig_exc, FormulaError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _explained(error, formula) from None
    return node


@cache
def _grammar() -> Lark:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


def _explained(error: UnexpectedInput, formula: str) -> FormulaError:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        word, column = str(error.token), error.token.column or 1
        return FormulaError(f"{word!r} cannot stand here.", column, _expected(error))
    if isinstance(error, UnexpectedCharacters):
        character = error.char
        fix = "Compare with ==." if character == "=" else "Use letters, digits, quotes and the operators + - * / % **."
        return FormulaError(f"{character!r} means nothing here.", error.column, fix)
    fix = "Close the parenthesis." if formula.count("(") > formula.count(")") else "Add what is missing."
    return FormulaError("The formula ends too early.", len(formula) + 1, fix)


def _expected(error: UnexpectedToken) -> str:
    begins_value = {"NUMBER", "NAME", "LPAR"} <= error.expected
    return (
        "A number, a signal or a parenthesis belongs here." if begins_value else "An operator or the end belongs here."
    )


class _Tree(Transformer[Token, Any]):
    """lark's tree to ours."""

    def number(self, found: list[Token]) -> Number:
        return Number(_column(found[0]), float(found[0]))

    def span(self, found: list[Token]) -> Number:
        digits = found[0].rstrip("abcdefghijklmnopqrstuvwxyz")
        return Number(_column(found[0]), float(digits) * SPAN_S[found[0][len(digits) :]], is_span=True)

    def truth(self, found: list[Token]) -> Truth:
        return Truth(_column(found[0]), found[0].lower() == "true")

    def signal(self, found: list[Token]) -> Reference:
        asset = str(found[0]).strip("\"'") if len(found) == 2 else ""
        return Reference(_column(found[0]), asset, str(found[-1]))

    def call(self, found: list[Any]) -> Call:
        return Call(_column(found[0]), str(found[0]), tuple(found[1:]))

    def prefixed(self, found: list[Any]) -> Prefixed:
        return Prefixed(_column(found[0]), str(found[0]), found[1])

    def choose(self, found: list[Any]) -> Choice:
        chosen, condition, other = found
        return Choice(condition.column, condition, chosen, other)

    def either(self, found: list[Any]) -> Node:
        return _folded_words("or", found)

    def both(self, found: list[Any]) -> Node:
        return _folded_words("and", found)

    def comparison(self, found: list[Any]) -> Node:
        if len(found) > 3:
            raise FormulaError("Comparisons cannot be chained.", _column(found[3]), "Write a < b and b < c.")
        return self.binary(found)

    def binary(self, found: list[Any]) -> Node:
        node: Node = found[0]
        for operator, right in zip(found[1::2], found[2::2], strict=True):
            node = Binary(_column(operator), str(operator), node, right)
        return node

    sum = binary
    product = binary


def _folded_words(word: str, found: list[Any]) -> Node:
    node: Node = found[0]
    for right in found[1:]:
        node = Binary(right.column, word, node, right)
    return node


def _column(token: Token) -> int:
    return int(token.column or 1)
