"""Tables become samples: which column is which signal, what is refused and why, and which value counts."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import Batch, Micros
from pdm_app.domain.signals import DataType, Signal
from pdm_app.drivers.csv_replay_rows import number
from pdm_app.services import history_import
from pdm_app.services.history_import import Form, Refused, Report, names_of, read, wide_form

NOW = Micros(1_800_000_000_000_000)
S = 1_000_000


def asset(code: str) -> Asset:
    return Asset(id=f"asset-{code}", site_id="site", line_id="line", code=code, name=f"Pump {code}")


def signal(number: int, code: str, name: str, kind: DataType = DataType.NUMBER) -> Signal:
    return Signal(id=number, site_id="site", asset_id=f"asset-{code}", name=name, label=f"{name} of it", data_type=kind)


FLOW, OTHER_FLOW, HEAT = signal(1, "P-1", "Flow"), signal(2, "P-2", "Flow"), signal(3, "P-1", "Heat")
STATE = signal(4, "P-1", "State", DataType.TEXT)
NAMED = names_of([FLOW, OTHER_FLOW, HEAT, STATE], [asset("P-1"), asset("P-2")])


@dataclass(frozen=True)
class Line:
    line: int
    at: int
    cells: list[str]


def batches(rows: list[Line | Refused], form: Form, report: Report) -> list[Batch]:
    found: Iterator[Batch] = read(rows, form, number, NOW, report)
    return list(found)


def test_a_name_that_several_signals_have_means_none_of_them() -> None:
    assert "flow" not in NAMED
    assert NAMED["p-2.flow"] is OTHER_FLOW
    assert NAMED["p-1 flow"] is FLOW
    assert NAMED["heat"] is HEAT


def test_columns_are_known_by_name_unit_or_not_and_a_map_says_the_rest() -> None:
    form = wide_form(["Time", "Heat [°C]", "FT-17", "nothing"], {"FT-17": "P-1.Flow"}, NAMED, 0)
    assert form.columns == ((1, HEAT), (2, FLOW))


@pytest.mark.parametrize(
    ("columns", "wanted", "says"),
    [
        (["Time", "x"], {}, "No column of the table is a signal"),
        (["Time", "x"], {"y": "Heat"}, "has no column 'y'"),
        (["Time", "x"], {"x": "Flow"}, "no single signal 'Flow'"),
        (["Time", "Heat", "P-1.Heat"], {}, "Two columns mean the signal Heat"),
    ],
)
def test_a_heading_that_does_not_fit_is_refused_with_what_to_do(
    columns: list[str], wanted: dict[str, str], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        wide_form(columns, wanted, NAMED, 0)


def test_bad_cells_are_refused_by_line_and_the_rest_of_the_row_counts() -> None:
    report = Report()
    form = wide_form(["Time", "P-1.Flow", "Heat"], {}, NAMED, 0)
    rows: list[Line | Refused] = [
        Line(2, 10 * S, ["", "1.5", "20"]),
        Line(3, 20 * S, ["", "nan", "21"]),
        Refused(4, "it has 1 cells and the heading 3"),
        Line(5, 30 * S, ["", "1e309", ""]),
        Line(6, NOW + 2 * history_import.AHEAD_US_MAX, ["", "1", "1"]),
    ]
    [batch] = batches(rows, form, report)
    assert list(zip(batch.signal.tolist(), batch.source_at.tolist(), batch.value.tolist(), strict=True)) == [
        (1, 10 * S, 1.5),
        (3, 10 * S, 20.0),
        (3, 20 * S, 21.0),
    ]
    assert [each.line for each in report.reasons] == [3, 4, 5, 6]
    assert "no finite number" in report.reasons[0].reason
    assert "future" in report.reasons[3].reason
    assert (report.rows, report.samples, report.refused) == (5, 3, 4)
    assert (report.start_at, report.end_at) == (10 * S, 20 * S)


def test_of_two_values_at_one_time_the_one_further_down_counts_and_the_other_is_counted() -> None:
    report = Report()
    [batch] = batches(
        [Line(2, 10 * S, ["", "1"]), Line(3, 5 * S, ["", "0"]), Line(4, 10 * S, ["", "2"])],
        Form(columns=((1, FLOW),)),
        report,
    )
    assert batch.source_at.tolist() == [5 * S, 10 * S]
    assert batch.value.tolist() == [0.0, 2.0]
    assert (report.samples, report.repeated) == (2, 1)


def test_a_long_table_names_the_signal_in_each_row_and_texts_stay_texts() -> None:
    report = Report()
    form = Form(name_at=1, value_at=2, named=NAMED)
    rows: list[Line | Refused] = [
        Line(2, 10 * S, ["", "P-1 State", "läuft"]),
        Line(3, 10 * S, ["", "P-1.Flow", "3"]),
        Line(4, 10 * S, ["", "Flow", "3"]),
    ]
    [batch] = batches(rows, form, report)
    assert batch.signal.tolist() == [1, 4]
    assert batch.text == {1: "läuft"}
    assert report.reasons == [Refused(4, "there is no signal 'Flow'")]


def test_a_long_file_is_taken_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_import, "SAMPLES_AT_ONCE", 10)
    report = Report()
    rows: list[Line | Refused] = [Line(place + 2, place * S, ["", str(place)]) for place in range(35)]
    parts = batches(rows, Form(columns=((1, FLOW),)), report)
    assert [len(part) for part in parts] == [10, 10, 10, 5]
    assert [part.seq for part in parts] == [1, 2, 3, 4]
    assert report.per_signal == {1: 35}
