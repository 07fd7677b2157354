"""What the models reach on public data, held to what must be reached.

The data are no part of the product: `PUBLIC_DATA` names a folder with `skab/` and `cmapss/`, else nothing is run here.
"""

import os
from pathlib import Path

import pytest

from pdm_app.domain.models import DetectorKind
from pdm_app.inference import cmapss, skab

FOLDER = Path(os.environ.get("PUBLIC_DATA", ""))
pytestmark = pytest.mark.long


@pytest.mark.skipif(not (FOLDER / "skab").is_dir(), reason="not run: PUBLIC_DATA names no folder with skab/")
def test_the_ensemble_reaches_what_it_must_on_the_anomaly_benchmark() -> None:
    outcome = skab.evaluate(FOLDER / "skab", DetectorKind.ENSEMBLE)
    figures = outcome.figures
    assert figures.f1 is not None
    assert figures.f1 >= 0.82
    assert figures.false_alarm_rate is not None
    assert figures.false_alarm_rate <= 0.20
    assert figures.delay_rows is not None
    assert figures.delay_rows <= 60
    assert outcome.usual_alarmed is not None
    assert outcome.usual_alarmed <= 0.05


@pytest.mark.skipif(not (FOLDER / "cmapss").is_dir(), reason="not run: PUBLIC_DATA names no folder with cmapss/")
def test_remaining_life_reaches_what_it_must_on_fd001() -> None:
    ours, _ = cmapss.evaluate(FOLDER / "cmapss")
    assert ours.rmse <= 11
    assert 0.85 <= ours.coverage <= 0.97
