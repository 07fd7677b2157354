"""Calls everything that an OpenAPI description tells of, with inputs made from the description, by schemathesis."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

CHECKS: Any = [content_type_conformance, response_schema_conformance, status_code_conformance]
ANSWER_WITHIN_S = 60.0
LEAKS = ("Traceback (most", 'File "', "site-packages")

Counts = Counter[tuple[str, int]]


def call_everything(
    document: Mapping[str, Any],
    base_url: str,
    headers: Callable[[], Mapping[str, str]],
    *,
    examples: int,
    within_s: float,
    without: Collection[str] = (),
) -> Counts:
    """Call each operation with inputs that fit its description, and with some that do not.

    Streams of events are left out: they have no end. No 500, no answer that is not as described, none that is late,
    and none that tells of the program's inside.

    Args:
        document: The description.
        base_url: Of the running server.
        headers: Of each call.
        examples: Of either kind, per operation.
        within_s: It fails where the last operation is not reached by then; meant for a server that hangs.
        without: Labels that are left out, such as ``GET /trpc/crash``.

    Returns:
        How often each operation answered with which status.
    """
    counts: Counts = Counter()
    ends_at_s = time.monotonic() + within_s
    for found in schemathesis.openapi.from_dict(dict(document)).get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr] # An error raises, as it should.
        answers = operation.definition.raw["responses"]
        is_stream = any(word in str(answers.get("200", "")) for word in ("text/event-stream", "x-item"))
        if is_stream or operation.label in without:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            assert time.monotonic() < ends_at_s, f"{operation.label} was not reached within {within_s:g} s"
            _call(operation, mode, base_url, headers, examples, counts)
    return counts


def _call(
    operation: Any,
    mode: GenerationMode,
    base_url: str,
    headers: Callable[[], Mapping[str, str]],
    examples: int,
    counts: Counts,
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    def call(case: Any) -> None:
        answer = case.call(base_url=base_url, headers=dict(headers()), timeout=ANSWER_WITHIN_S)
        counts[operation.label, answer.status_code] += 1
        sent = f"{operation.label} {mode.value}: {case.as_curl_command()}"
        assert answer.status_code != 500, f"{sent}\n{answer.text}"
        assert not [leak for leak in LEAKS if leak in answer.text], f"{sent}\n{answer.text}"
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            raise AssertionError(f"{sent}\n{[str(failure) for failure in group.exceptions]}") from None

    try:
        call()
    except Unsatisfiable:
        pass  # What takes nothing cannot be called wrongly.
