"""Derived signals are made by name, kept by number, and never left without what they read."""

from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.samples import Micros, Quality
from pdm_app.domain.signals import DataType, Shape, Signal, SignalFacts
from pdm_app.services.derived_signals import CHAIN_MAX, compiled
from pdm_app.services.signal_index import SiteSignals, Target
from pdm_app.services.verdicts import RefusedError, judge
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import C_201, P_501, SIGNALS
from tests.services.plant_desk import BOTH, ERIN, PlantDesk, machine, refusal, signal

FLOW, SUCTION = SIGNALS[0], SIGNALS[1]


@pytest.fixture
def desk(work: SqlUnitOfWork, clock: HandClock) -> PlantDesk:
    return PlantDesk(work, clock)


@pytest.fixture
def sqlite_desk(sqlite_work: SqlUnitOfWork, clock: HandClock) -> PlantDesk:
    return PlantDesk(sqlite_work, clock)


def derived(name: str, formula: str, **more: Any) -> SignalFacts:
    return signal(name=name, formula=formula, **more)


async def known(desk: PlantDesk) -> dict[int, Signal]:
    async with desk.work(EVERY_SITE) as work:
        return {one.id: one for one in await work.signals.all()}


async def test_a_derived_signal_is_made_by_name_and_kept_by_number(desk: PlantDesk) -> None:
    made = await desk.signals.create(ADA, derived("Sum", f"{FLOW.name} + {SUCTION.name} + {FLOW.name}"))
    assert made.formula_reads == (FLOW.id, SUCTION.id)
    assert made.shape is Shape.CONTINUOUS
    assert await desk.signals.get(ADA, made.id) == made
    await desk.signals.change(ADA, FLOW.id, {"name": "Flow_renamed"})
    formula = compiled(made, await known(desk))
    assert formula.signals == (FLOW.id, SUCTION.id)
    assert (await desk.signals.change(ADA, made.id, {"label": "The sum"})).formula_reads == made.formula_reads


async def test_the_shape_follows_from_the_formula(sqlite_desk: PlantDesk) -> None:
    facts = derived("Runs", f"{FLOW.name} > 1", data_type=DataType.BOOLEAN, shape=Shape.CONTINUOUS)
    assert (await sqlite_desk.signals.create(ADA, facts)).shape is Shape.STEP


@pytest.mark.parametrize(
    ("formula", "more", "column", "words"),
    [
        ("nothing_here * 2", {}, 1, "There is no signal nothing_here"),
        (f"{FLOW.name} *", {}, len(FLOW.name) + 3, "ends too early"),
        ('"C-201".Header_Pressure_bar', {}, 1, "There is no asset C-201"),
        (f"{FLOW.name} > 1", {}, 1, "The outcome is true or false"),
        (FLOW.name, {"data_type": DataType.BOOLEAN}, 1, "The outcome is a number"),
        (FLOW.name, {"unit": "bar"}, None, "bar"),
    ],
)
async def test_a_formula_that_cannot_be_used_is_refused_at_its_column(
    sqlite_desk: PlantDesk, formula: str, more: dict[str, Any], column: int | None, words: str
) -> None:
    await sqlite_desk.signals.change(ADA, FLOW.id, {"unit": "m3/h"})
    with pytest.raises(InvalidInputError, match=words) as refused:
        await sqlite_desk.signals.create(BOTH, derived("Wrong", formula, **more))
    assert refused.value.issues[0].field == "formula"
    assert column is None or refused.value.facts["column"] == column


@pytest.mark.parametrize(
    "more", [{"connection_id": "plc"}, {"address": {"register": 1}}, {"deadband": 1.0}, {"data_type": "text"}]
)
def test_what_is_reckoned_is_not_read_from_a_device_as_well(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="formula"):
        derived("Wrong", FLOW.name, **more)


async def test_a_circle_is_refused_and_named(sqlite_desk: PlantDesk) -> None:
    first = await sqlite_desk.signals.create(ADA, derived("First", f"{FLOW.name} * 2"))
    await sqlite_desk.signals.create(ADA, derived("Second", "First + 1"))
    refused = await refusal(sqlite_desk.signals.change(ADA, first.id, {"formula": "Second - 1"}))
    assert "First, which reads Second, which reads First" in str(refused)
    refused = await refusal(sqlite_desk.signals.change(ADA, first.id, {"formula": "First - 1"}))
    assert "leads back to itself" in str(refused)


async def test_a_chain_has_an_end(sqlite_desk: PlantDesk) -> None:
    name = FLOW.name
    for link in range(CHAIN_MAX - 1):
        await sqlite_desk.signals.create(ADA, derived(f"Link_{link}", f"{name} + 1"))
        name = f"Link_{link}"
    refused = await refusal(sqlite_desk.signals.create(ADA, derived("Too_far", f"{name} + 1")))
    assert "Write some of them as one formula" in str(refused)


async def test_what_a_formula_reads_cannot_be_deleted_and_comes_back_first(desk: PlantDesk) -> None:
    noise = await desk.signals.create(ADA, signal(name="Noise"))
    loud = await desk.signals.create(ADA, derived("Loud", "Noise * 2"))
    refused = await refusal(desk.signals.delete(ADA, noise.id))
    assert isinstance(refused, ConflictError)
    assert "derived signals read it: Loud" in str(refused)
    await desk.signals.delete(ADA, loud.id)
    await desk.signals.delete(ADA, noise.id)
    refused = await refusal(desk.signals.restore(ADA, loud.id))
    assert isinstance(refused, ConflictError)
    await desk.signals.restore(ADA, noise.id)
    assert (await desk.signals.restore(ADA, loud.id)).formula_reads == (noise.id,)


async def test_a_machine_goes_with_the_derived_signals_that_are_its_own_and_not_with_those_of_others(
    sqlite_desk: PlantDesk,
) -> None:
    mill = await sqlite_desk.assets.create(ADA, machine())
    noise = await sqlite_desk.signals.create(ADA, signal(mill.id, "Noise"))
    await sqlite_desk.signals.create(ADA, signal(mill.id, "Loud", formula="Noise * 2"))
    elsewhere = await sqlite_desk.signals.create(ADA, derived("Copied", f'"{mill.code}".Noise'))
    refused = await refusal(sqlite_desk.assets.delete(ADA, mill.id, with_parts=True))
    assert "Copied" in str(refused)
    await sqlite_desk.signals.delete(ADA, elsewhere.id)
    await sqlite_desk.assets.delete(ADA, mill.id, with_parts=True)
    await sqlite_desk.assets.restore(ADA, mill.id)
    assert (await sqlite_desk.signals.get(ADA, noise.id)).name == "Noise"


async def test_a_unit_that_would_break_a_formula_is_refused_and_the_formula_named(sqlite_desk: PlantDesk) -> None:
    await sqlite_desk.signals.change(ADA, FLOW.id, {"unit": "bar"})
    await sqlite_desk.signals.create(ADA, derived("In_bar", f"{FLOW.name} * 2", unit="bar"))
    refused = await refusal(sqlite_desk.signals.change(ADA, FLOW.id, {"unit": "Cel"}))
    assert "In_bar" in str(refused)
    await sqlite_desk.signals.change(ADA, FLOW.id, {"unit": "kPa"})  # Which is reckoned into bar.


async def test_a_measured_signal_stays_measured(sqlite_desk: PlantDesk) -> None:
    refused = await refusal(sqlite_desk.signals.change(ADA, FLOW.id, {"formula": f"{SUCTION.name} * 2"}))
    assert "stays measured" in str(refused)
    made = await sqlite_desk.signals.create(ADA, derived("Sum", f"{FLOW.name} + 1"))
    refused = await refusal(sqlite_desk.signals.change(ADA, made.id, {"formula": None}))
    assert "stays derived" in str(refused)


async def test_a_formula_reads_nothing_of_another_site_also_for_who_may_see_both(sqlite_desk: PlantDesk) -> None:
    refused = await refusal(
        sqlite_desk.signals.create(BOTH, signal(C_201.id, "Copied", formula=f'"{P_501.code}".{FLOW.name}'))
    )
    assert isinstance(refused, InvalidInputError)
    assert "There is no asset" in str(refused)
    with pytest.raises(NotFoundError):
        await sqlite_desk.signals.get(ERIN, 21)


def test_a_device_cannot_send_what_is_reckoned() -> None:
    target = Target(7, P_501.id, "Sum", DataType.NUMBER, is_derived=True)
    site = SiteSignals(Micros(NOON), {}, {7: target}, {P_501.id: {"Sum": target}})
    with pytest.raises(RefusedError, match="reckoned from a formula"):
        judge(
            {"signal": "Sum", "value": 1.0, "source_at": NOON, "quality": int(Quality.GOOD)},
            site,
            P_501.id,
            Micros(NOON),
        )
