"""Signs requests to a server that speaks the protocol of Amazon S3.

Source: AWS General Reference, "Signature Version 4 signing process"; the body is named by its SHA-256, so that a server
refuses one that was changed on its way.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from pdm_app.domain.cold_bucket import BucketKey

ALGORITHM = "AWS4-HMAC-SHA256"
NOTHING = hashlib.sha256(b"").hexdigest()


def query_of(parameters: Mapping[str, str]) -> str:
    """Return parameters as they stand in the address and are signed: sorted and encoded."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed(
    method: str,
    host: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    sha256: str,
    key: BucketKey,
    region: str,
    at: datetime,
) -> dict[str, str]:
    """Return all headers of a request, its signature among them.

    Args:
        method: Such as ``GET``.
        host: Name and port as they stand in the header ``host``.
        path: Encoded, from the first slash on.
        query: As `query_of` makes it.
        headers: Those that are signed besides; names in lower case.
        sha256: Of the body, in hexadecimal.
        key: Who asks.
        region: As the server names it.
        at: Now, UTC.
    """
    stamp, day = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}"
    every = {**headers, "host": host, "x-amz-content-sha256": sha256, "x-amz-date": stamp}
    names = ";".join(sorted(every))
    lines = [method, path, query, *(f"{name}:{every[name].strip()}" for name in sorted(every)), "", names, sha256]
    asked = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    reach = f"{day}/{region}/s3/aws4_request"
    seal = f"AWS4{key.secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        seal = hmac.digest(seal, part.encode(), "sha256")
    signature = hmac.digest(seal, "\n".join((ALGORITHM, stamp, reach, asked)).encode(), "sha256").hex()
    every["authorization"] = f"{ALGORITHM} Credential={key.id}/{reach}, SignedHeaders={names}, Signature={signature}"
    return every
