"""The condition of a rule for runs, ready to be reckoned."""

import asyncio
from collections.abc import Mapping

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.formulas.compiler import compile_formula
from pdm_app.domain.formulas.parts import Formula
from pdm_app.domain.formulas.syntax import FormulaError, parse
from pdm_app.domain.repositories import Work
from pdm_app.domain.runs import RunRule
from pdm_app.services.formula_names import Names


async def compiled(work: Work, rule: RunRule) -> tuple[Formula, Mapping[int, bool]]:
    """Return the condition, and of the signals it reads whether they go in steps.

    Raises:
        FormulaError: It cannot be used; names the column.
        InvalidInputError: It is a number, not true or false.
    """
    node = await asyncio.to_thread(parse, rule.condition)
    names = await Names.of(work, node, rule.asset_id, rule.site_id)
    formula = await asyncio.to_thread(compile_formula, node, names.describe, None)
    if not formula.measure.is_truth:
        raise InvalidInputError(
            "The condition is a number, not true or false. Compare it with something, such as > 4.5.",
            [FieldIssue("condition", "is a number", "compare it with something, such as > 4.5")],
        )
    return formula, {number: names.is_step(number) for number in formula.signals}


def condition_refused(error: FormulaError) -> InvalidInputError:
    """Make the refusal of a condition, with the column as a fact."""
    issue = FieldIssue("condition", f"column {error.column}: {error.message.rstrip('.')}", error.fix.rstrip("."))
    return InvalidInputError(str(error), [issue], column=error.column)
