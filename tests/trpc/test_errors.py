"""Errors keep to the vocabulary of the protocol."""

import pytest

from pdm_app.trpc import TrpcError


def test_an_error_code_that_tRPC_does_not_know_is_refused() -> None:  # noqa: N802 - the name of the thing.
    with pytest.raises(ValueError, match="is no tRPC error code; use one of PARSE_ERROR"):
        TrpcError("TEAPOT")  # type: ignore[arg-type]


def test_keys_of_the_protocol_win_over_those_of_error_data() -> None:
    shape = TrpcError("CONFLICT", data={"code": "X", "httpStatus": 1, "path": "y", "more": 2}).shape("p")
    assert shape["data"] == {"code": "CONFLICT", "httpStatus": 409, "path": "p", "more": 2}
