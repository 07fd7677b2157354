"""A record's validator is built at its first use, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pydantic import ValidationError

from pdm_app.domain.record import Facts, Record

THREADS = 16


@pytest.mark.parametrize("base", [Record, Facts])
def test_threads_that_use_a_record_for_the_first_time_at_once_meet_its_own_fields(base: type[Record]) -> None:
    for _ in range(20):
        one: type[Any] = type("One", (base,), {"__annotations__": {"name": str, "count": int}, "__module__": __name__})
        together = Barrier(THREADS)

        def made(number: int, one: type[Any] = one, together: Barrier = together) -> tuple[int, str]:
            together.wait()
            with pytest.raises(ValidationError):
                one(name="a", count="none")
            return one(name="a", count=number).count, one.model_validate({"name": "b", "count": 1}).name

        with ThreadPoolExecutor(THREADS) as threads:
            assert list(threads.map(made, range(THREADS))) == [(number, "b") for number in range(THREADS)]
