"""Pieces that people count: what is refused, and the ideal cycle that they have."""

from collections.abc import Sequence

from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.production import ProductionUnit, cycle_in_force
from pdm_app.domain.production_intervals import Interval
from pdm_app.domain.repositories import Work
from pdm_app.domain.stop_edits import CountKind, EditKind, StopEditFacts


async def cycle_of(work: Work, unit: ProductionUnit, facts: StopEditFacts) -> float | None:
    """Return the ideal cycle of pieces that are counted; None where none is known, or nothing is counted.

    Raises:
        NotFoundError: The site makes no such product.
    """
    if facts.kind is not EditKind.COUNT:
        return None
    if facts.product_id is not None:
        products = await work.production.products()
        if not any(one.id == facts.product_id and one.site_id == unit.site_id for one in products):
            raise NotFoundError(f"There is no product {facts.product_id!r}.", product_id=facts.product_id)
    return cycle_in_force(unit, facts.product_id, facts.at)


def refuse_count(code: str, facts: StopEditFacts, intervals: Sequence[Interval]) -> None:
    """Refuse pieces that no figure could hold.

    Args:
        code: Of the machine.
        facts: What is said; anything but a count passes.
        intervals: Of the shift, with what was said of it before.

    Raises:
        InvalidInputError: Nothing is known of the machine at that moment, or more is scrap than was good.
    """
    if facts.kind is not EditKind.COUNT or facts.pieces is None:
        return
    holds = next((one for one in intervals if one.begin_at <= facts.at < one.end_at), None)
    if holds is None or holds.state is MachineState.NO_DATA:
        raise InvalidInputError(
            f"Nothing is known of {code} at that moment, and pieces of such a time are in no figure. Enter them for a "
            "moment of this shift at which it ran.",
            [FieldIssue("at", "lies in time without data", "send a moment at which the machine ran")],
        )
    good = sum(one.good for one in intervals if one.state is not MachineState.NO_DATA)
    if facts.counted is CountKind.FOUND_SCRAP and facts.pieces > good:
        raise InvalidInputError(
            f"{facts.pieces:g} pieces cannot be scrap: {code} has made {good:g} good ones in this shift.",
            [FieldIssue("pieces", f"is more than the {good:g} good ones", "look at the number, or at the shift")],
        )
