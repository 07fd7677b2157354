"""Errors keep to the vocabulary of the protocol."""

import pytest

from pdm_app.trpc import TrpcError
from pdm_app.trpc.errors import CODES

# Written down a second time on purpose. Source: tRPC 11, rpc/codes.ts and http/getHTTPStatusCode.ts.
NUMBERS_AND_STATUSES = {
    "PARSE_ERROR": (-32700, 400),
    "BAD_REQUEST": (-32600, 400),
    "UNAUTHORIZED": (-32001, 401),
    "PAYMENT_REQUIRED": (-32002, 402),
    "FORBIDDEN": (-32003, 403),
    "NOT_FOUND": (-32004, 404),
    "METHOD_NOT_SUPPORTED": (-32005, 405),
    "TIMEOUT": (-32008, 408),
    "CONFLICT": (-32009, 409),
    "PRECONDITION_FAILED": (-32012, 412),
    "PAYLOAD_TOO_LARGE": (-32013, 413),
    "UNSUPPORTED_MEDIA_TYPE": (-32015, 415),
    "UNPROCESSABLE_CONTENT": (-32022, 422),
    "PRECONDITION_REQUIRED": (-32028, 428),
    "TOO_MANY_REQUESTS": (-32029, 429),
    "CLIENT_CLOSED_REQUEST": (-32099, 499),
    "INTERNAL_SERVER_ERROR": (-32603, 500),
    "NOT_IMPLEMENTED": (-32603, 501),
    "BAD_GATEWAY": (-32603, 502),
    "SERVICE_UNAVAILABLE": (-32603, 503),
    "GATEWAY_TIMEOUT": (-32603, 504),
}


def test_an_error_code_that_tRPC_does_not_know_is_refused() -> None:  # noqa: N802 - the name of the thing.
    with pytest.raises(ValueError, match="is no tRPC error code; use one of PARSE_ERROR"):
        TrpcError("TEAPOT")  # type: ignore[arg-type]


def test_keys_of_the_protocol_win_over_those_of_error_data() -> None:
    shape = TrpcError("CONFLICT", data={"code": "X", "httpStatus": 1, "path": "y", "more": 2}).shape("p")
    assert shape["data"] == {"code": "CONFLICT", "httpStatus": 409, "path": "p", "more": 2}


def test_codes_have_the_numbers_and_statuses_of_the_protocol() -> None:
    assert {code: (TrpcError(code).number, TrpcError(code).http_status) for code in CODES} == NUMBERS_AND_STATUSES
