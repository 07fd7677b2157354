"""Make a compiled front end talk to the host it came from.

Reflex bakes the back end's address in at build time, and nothing it offers changes that afterwards: served under
another host name, port or behind TLS the pages could not connect. The addresses live in one small file of the build;
here they become expressions over the browser's own `location.origin`.
"""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from pdm_app.bootstrap.problems import SetupError

ENVIRONMENT_FILES = "assets/reflex-env-*.js"
ADDRESS = re.compile(r"""(?P<quote>[`"'])(?P<address>(?:http|ws)s?://[^`"'\\]+)(?P=quote)""")


def follow_origin(client: Path) -> int:
    """Rewrite the addresses in a compiled front end and its compressed copies; running it twice changes nothing more.

    Args:
        client: The folder with `index.html` and `assets/`.

    Returns:
        How many addresses follow the origin now.

    Raises:
        SetupError: The build does not look as expected; then it must not be served.
    """
    files = sorted(client.glob(ENVIRONMENT_FILES))
    if not files:
        raise SetupError(
            f"The compiled front end in {client} has no {ENVIRONMENT_FILES}: Reflex built it differently.\n"
            "Pin the release named in pyproject.toml, or teach bootstrap/origin.py the new place of the addresses."
        )
    rewritten = 0
    for file in files:
        source = file.read_text(encoding="utf-8")
        rewritten += len(ADDRESS.findall(source))
        script = ADDRESS.sub(lambda found: from_origin(found["address"]), source)
        file.write_text(script, encoding="utf-8")
        packed = file.with_name(file.name + ".gz")
        if packed.exists():
            packed.write_bytes(gzip.compress(script.encode(), compresslevel=9, mtime=0))
    return rewritten


def from_origin(address: str) -> str:
    """A JavaScript expression for the same path on the page's own origin.

    >>> from_origin("http://localhost:8000/ping")
    '(location.origin+"/ping")'
    >>> from_origin("ws://localhost:8000/_event")
    '(location.origin.replace(/^http/,"ws")+"/_event")'
    """
    parts = urlsplit(address)
    path = json.dumps(parts.path + (f"?{parts.query}" if parts.query else ""))
    scheme = '.replace(/^http/,"ws")' if parts.scheme.startswith("ws") else ""
    return f"(location.origin{scheme}+{path})"
