"""The demo is broken and mended from the command line while it runs."""

import io
from contextlib import redirect_stderr, redirect_stdout

from pdm_app.cli.main import main
from tests.counterparts.product import RunningProduct


def said(demo: RunningProduct, *words: str) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        code = main(["demo", *words, "--port", str(demo.port), "--data", str(demo.data_dir)])
    return code, out.getvalue()


def test_a_gateway_is_broken_listed_and_mended_by_command(standing_demo: RunningProduct) -> None:
    assert "comm_loss" in said(standing_demo, "faults", "--kinds")[1]
    code, told = said(standing_demo, "break", "sensor_drift", "--asset", "G-5", "--signal", "rssi_dbm")
    assert code == 0, told
    assert told.startswith("G-5 has sensor_drift")
    fault_id = told.split("`")[1].split()[-1]
    assert f"{fault_id}  G-5" in said(standing_demo, "faults")[1]
    code, refused = said(standing_demo, "break", "sensor_drift", "--asset", "G-5", "--signal", "rssi_dbm")
    assert (code, "G-5 already has sensor_drift" in refused) == (1, True)
    assert said(standing_demo, "mend", fault_id) == (0, "G-5 is rid of sensor_drift.\n")
    assert "G-5" not in said(standing_demo, "faults")[1]
    assert said(standing_demo, "break", "meteor", "--asset", "G-5")[0] == 1
