"""Derived signals: what their formulas read, made ready, and the rules that keep them reckonable.

A formula is kept as it was typed, and beside it the numbers of the signals it names (`Signal.formula_reads`). The
numbers count from then on: a signal or an asset may be renamed, and a formula that names it goes on.
"""

import asyncio
from collections.abc import Mapping, Sequence

from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.formulas.compiler import Described, compile_formula
from pdm_app.domain.formulas.parts import Formula
from pdm_app.domain.formulas.syntax import FormulaError, Node, Reference, parse, walk
from pdm_app.domain.repositories import Work
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.services.formula_names import Names, described, refused

CHAIN_MAX = 10  # Derived signals of derived signals; each is a step later than what it reads.
NAMED_MAX = 3


async def resolved(work: Work, signal: Signal) -> Signal:
    """Return a derived signal with what its formula reads and the shape that follows, found by the names in it.

    Raises:
        InvalidInputError: The formula cannot be used; ``facts['column']`` says where.
    """
    try:
        node = await asyncio.to_thread(parse, signal.formula or "")
        names = await Names.of(work, node, signal.asset_id, signal.site_id)
        reads = [names.describe(reference).signal for reference in mentioned(node)]
        formula = await asyncio.to_thread(compile_formula, node, names.describe, _unit(signal))
        _require_kind(signal, formula)
    except FormulaError as error:
        raise refused(error) from None
    shape = Shape.STEP if formula.is_step else Shape.CONTINUOUS
    return signal.model_copy(update={"formula_reads": tuple(reads), "shape": shape})


def compiled(signal: Signal, known: Mapping[int, Signal]) -> Formula:
    """Make a derived signal's formula ready, by the numbers of what it reads.

    Raises:
        FormulaError: It cannot be used any more; says why.
    """
    node = parse(signal.formula or "")
    numbers = dict(zip(((one.asset, one.name) for one in mentioned(node)), signal.formula_reads, strict=False))

    def describe(reference: Reference) -> Described:
        found = known.get(numbers.get((reference.asset, reference.name), 0))
        if found is None:
            raise FormulaError(f"{reference} was deleted.", reference.column, "Restore it, or change the formula.")
        return described(found, reference)

    formula = compile_formula(node, describe, _unit(signal))
    _require_kind(signal, formula)
    return formula


def mentioned(node: Node) -> list[Reference]:
    """Return the signals that a formula names, each once, in the order of first mention."""
    found: dict[tuple[str, str], Reference] = {}
    for part in sorted((part for part in walk(node) if isinstance(part, Reference)), key=lambda part: part.column):
        found.setdefault((part.asset, part.name), part)
    return list(found.values())


async def require_reckonable(work: Work, before: Signal | None, after: Signal) -> None:
    """Refuse a derived signal in a circle or too long a chain, and a change that breaks what reads the signal.

    Raises:
        InvalidInputError: Names the circle, or the signals that would break.
        NotFoundError: Something that the formula reads is not there.
    """
    if before is not None and before.is_derived != after.is_derived:
        raise InvalidInputError(
            f"{after.name} stays {'derived' if before.is_derived else 'measured'}. Create another signal."
        )
    is_read_otherwise = before is not None and (before.unit, before.shape) != (after.unit, after.shape)
    if not after.is_derived and not is_read_otherwise:
        return
    known = {signal.id: signal for signal in await work.signals.all()} | {after.id: after}
    for number in after.formula_reads:
        if number not in known or known[number].site_id != after.site_id:
            raise NotFoundError(f"There is no signal {number}.", signal_id=number)
    _refuse_circles(after, known)
    if is_read_otherwise:
        await asyncio.to_thread(_refuse_breaking, after, known)


async def require_unread(work: Work, signals: Sequence[Signal]) -> None:
    """Refuse to delete signals that a derived signal reads which stays.

    Raises:
        ConflictError: Names the derived signals.
    """
    going = {signal.id for signal in signals}
    readers = [
        other
        for other in await work.signals.derived()
        if other.id not in going and going.intersection(other.formula_reads)
    ]
    if readers:
        names = ", ".join(reader.name for reader in readers[:NAMED_MAX]) + (" …" if len(readers) > NAMED_MAX else "")
        what = f"The signal {signals[0].name!r}" if len(signals) == 1 else "What has these signals"
        raise ConflictError(
            f"{what} cannot be deleted while derived signals read it: {names}. Change or delete those first.",
            held_by={"derived signals": len(readers)},
        )


def _unit(signal: Signal) -> str | None:
    """Return the unit in which the outcome is wanted; a truth has none."""
    return None if signal.data_type is DataType.BOOLEAN else signal.unit


def _require_kind(signal: Signal, formula: Formula) -> None:
    if formula.measure.is_truth != (signal.data_type is DataType.BOOLEAN):
        is_, wanted = ("true or false", "boolean") if formula.measure.is_truth else ("a number", "number")
        raise FormulaError(
            f"The outcome is {is_}, and {signal.name} is of the type {signal.data_type.value}.",
            1,
            f"Create it with the type {wanted}, or change the formula.",
        )


def _refuse_circles(signal: Signal, known: Mapping[int, Signal]) -> None:
    waiting: list[tuple[Signal, tuple[Signal, ...]]] = [(signal, ())]
    deepest: dict[int, int] = {}
    while waiting:
        here, path = waiting.pop()
        if here in path:
            told = ", which reads ".join(one.name for one in (*path[path.index(here) :], here))
            raise InvalidInputError(f"The formula leads back to itself: {told}. Leave one of them out.")
        if len(path) >= CHAIN_MAX:
            raise InvalidInputError(
                f"{signal.name} would stand at the end of more than {CHAIN_MAX} derived signals. "
                "Write some of them as one formula."
            )
        if deepest.get(here.id, -1) >= len(path):
            continue  # Looked at from at least as far away.
        deepest[here.id] = len(path)
        waiting += [(known[number], (*path, here)) for number in here.formula_reads if number in known]


def _refuse_breaking(changed: Signal, known: Mapping[int, Signal]) -> None:
    for reader in known.values():
        if changed.id not in reader.formula_reads:
            continue
        try:
            compiled(reader, known)
        except FormulaError as error:
            raise InvalidInputError(
                f"The derived signal {reader.name} reads {changed.name} and would break: {error} "
                "Change its formula first."
            ) from None
