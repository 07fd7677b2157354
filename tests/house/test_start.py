"""A start loads what it needs: clients, drivers and readers of files come with the first one who wants them."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRECTORIES = {"pdm_app.directories.ldap", "pdm_app.directories.oidc"}
FILES = {"duckdb", "onnxruntime", "pandas", "pyarrow", "scipy", "tsdownsample"}
PROTOCOLS = {"acme", "amqtt", "asyncua", "pymodbus"}
LATER = {"pint", "reflex", "ucumvert", *DIRECTORIES, *FILES, *PROTOCOLS}


def test_the_product_is_put_together_without_what_a_plant_may_never_need() -> None:
    program = "import json, sys, pdm_app.runtime; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "pdm_app.storage.cold_files" in loaded, "the module that wants pyarrow is there, pyarrow is not"
    assert loaded & LATER == set()
