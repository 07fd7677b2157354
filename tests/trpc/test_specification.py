"""Every captured exchange and every rule of tRPC's wire protocol, and the test that shows it.

The captures are those of a reference server (``@trpc/server`` 11.25.2); the rules are grouped as a reader of its source
meets them. A test that is renamed or lost is noticed here.
"""
# ruff: noqa: E501 - names of tests are sentences, and a row is a line.

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# Test: the captures that it holds, with the name of its case where it has one for each.
CAPTURES: dict[str, dict[str, str]] = {
    "test_http.py::test_a_single_call_is_answered_as_captured": {
        "query, no input": "query, no input",
        "query with input": "query with input",
        "query returning undefined": "query returning undefined",
        "query returning null": "query returning null",
        "nested query": "nested query",
        "mutation": "mutation",
        "mutation with no body": "mutation with no body",
        "invalid input (query)": "invalid input",
        "missing input": "missing input",
        "error: unauthorized middleware": "unauthorized middleware",
        "error: login mutation": "login mutation",
        "login ok": "login ok",
        "auth ok": "auth ok",
        "error: forbidden": "forbidden",
        "error: NOT_FOUND thrown by procedure": "NOT_FOUND of a procedure",
        "error: unknown procedure": "unknown procedure",
        "error: POST to query": "POST to query",
        "error: GET to mutation": "GET to mutation",
        "error: PUT": "PUT",
        "error: OPTIONS": "OPTIONS",
        "error: wrong content type": "wrong content type",
        "error: no content type": "no content type",
        "content type with charset": "content type with charset",
        "error: malformed percent-encoding": "malformed percent-encoding",
        "error: body too large": "body too large",
        "empty path": "empty path",
        "comma path without batch=1": "comma path without batch=1",
        "stream-like result without jsonl": "stream-like result without jsonl",
        "octet-stream": "octet-stream",
        "multipart": "multipart",
        "jsonl: not batched": "jsonl: not batched",
    },
    "test_http.py::test_a_foreign_exception_is_hidden_and_reported_once": {
        "error: unknown exception": "",
        "error: unknown exception with isDev": "",
    },
    "test_http.py::test_head_is_answered_without_running_anything": {
        "HEAD": "",
    },
    "test_http.py::test_bad_json_is_a_bad_request_of_its_call": {
        "error: bad JSON body": "",
        "error: bad JSON in input": "",
    },
    "test_http.py::test_method_override_lets_queries_be_posted_but_never_mutations_be_got": {
        "method override allowed: POST query": "",
        "method override allowed: GET mutation": "",
    },
    "test_http.py::test_a_batch_is_answered_as_captured": {
        "batch: two ok": "two ok",
        "batch: mixed": "mixed",
        "batch: same failure": "same failure",
        "batch: 1 item": "1 item",
        "batch: no input param": "no input param",
        "batch mutation": "mutation",
        "batch: input is an array": "input is an array",
        "batch: input is a string": "input is a string",
        "batch: mixed types": "mixed types",
        "batch: too many": "too many",
        "batch: encoded comma": "encoded comma",
        "SSE: batch": "subscriptions",
    },
    "test_http.py::test_bad_json_in_a_batch_spoils_only_the_calls_that_read_it": {
        "batch: bad JSON": "",
    },
    "test_http.py::test_batching_can_be_switched_off": {
        "batch: disabled on the server": "",
    },
    "test_superjson_links.py::test_the_real_client_speaks_superjson_through_every_link": {
        "superjson: query": "",
        "superjson: batch": "",
        "superjson: batch as the client sends it": "",
        "SSE: superjson": "",
        "SSE: superjson error": "",
        "jsonl: superjson": "",
        "WS: superjson": "",
    },
    "test_superjson_links.py::test_results_are_as_captured": {
        "superjson: input": "",
        "superjson: undefined": "",
    },
    "test_superjson_links.py::test_errors_are_superjson_and_bad_input_is_told": {
        "superjson: error": "",
    },
    "test_sse.py::test_a_stream_goes_as_captured": {
        "SSE: tracked, finite": "tracked, finite",
        "SSE: resume via Last-Event-ID": "resume via Last-Event-ID",
        "SSE: resume via query": "resume via query",
        "SSE: resume via input": "resume via input",
        "SSE: untracked": "untracked",
        "SSE: untracked with last-event-id": "untracked with last-event-id",
        "SSE: error after one": "error after one",
        "SSE: unauthorized": "unauthorized",
        "SSE: connectionParams": "connectionParams",
        "SSE: invalid input": "invalid input",
        "SSE: POST": "POST",
    },
    "test_sse.py::test_pings_fill_silence_and_the_longest_life_ends_the_stream_without_return": {
        "SSE: pings (interval 100 ms) and maxDuration 300 ms": "",
    },
    "test_sse.py::test_a_foreign_exception_is_hidden_and_reported_once": {
        "SSE: unexpected error": "",
    },
    "test_sse.py::test_malformed_connection_parameters_are_a_plain_answer": {
        "SSE: malformed connectionParams": "",
    },
    "test_sse.py::test_an_unknown_path_is_a_plain_answer": {
        "SSE: unknown path": "",
    },
    "test_jsonl.py::test_answers_come_fastest_first": {
        "jsonl: two ok, out of order": "",
    },
    "test_jsonl.py::test_failures_stay_in_their_calls_and_the_status_is_200": {
        "jsonl: mixed": "",
        "jsonl: bad JSON": "",
    },
    "test_jsonl.py::test_an_iterating_query_streams_its_items": {
        "jsonl: async iterable": "",
    },
    "test_jsonl.py::test_mutations_stream_too": {
        "jsonl: mutation": "",
    },
    "test_jsonl.py::test_the_accept_header_asks_for_it_as_well": {
        "jsonl via accept header": "",
    },
    "test_jsonl.py::test_spaces_keep_a_silent_answer_alive": {
        "jsonl: pings (50 ms)": "",
    },
    "test_jsonl.py::test_errors_before_the_calls_are_one_plain_answer": {
        "jsonl: batch too large": "",
    },
    "test_websocket.py::test_a_dialogue_goes_as_captured": {
        "WS: query": "query",
        "WS: query with jsonrpc and string id": "query with jsonrpc and string id",
        "WS: mutation": "mutation",
        "WS: batch": "batch, fastest first",
        "WS: undefined result": "undefined result",
        "WS: errors": "errors",
        "WS: subscription, tracked, finite": "subscription, tracked, finite",
        "WS: subscription, stop for unknown id": "subscription, stop for unknown id",
        "WS: subscription, resume": "subscription, resume",
        "WS: subscription, error": "subscription, error",
        "WS: subscription, unauthorized": "subscription, unauthorized",
        "WS: PING": "PING",
        "WS: bad method": "bad method",
        "WS: null id": "null id",
        "WS: missing id": "missing id",
        "WS: missing params": "missing params",
        "WS: batch too large": "batch too large",
    },
    "test_websocket.py::test_stop_runs_the_generators_clean_up_then_says_stopped_then_is_silent": {
        "WS: subscription, untracked, stop": "",
    },
    "test_websocket.py::test_a_foreign_exception_in_a_subscription_is_hidden_and_reported_once": {
        "WS: subscription, unexpected error": "",
    },
    "test_websocket.py::test_a_second_subscription_with_a_live_id_is_refused_and_the_first_goes_on": {
        "WS: subscription, duplicate id": "",
    },
    "test_websocket.py::test_a_silent_client_is_pinged_and_then_given_up": {
        "WS: server keepalive (pingMs 400), client answers nothing": "",
    },
    "test_websocket.py::test_bad_json_is_a_parse_error_and_the_connection_stays": {
        "WS: bad JSON": "",
    },
    "test_websocket.py::test_context_is_created_once_per_connection_with_its_parameters": {
        "WS: connectionParams": "",
    },
    "test_websocket.py::test_a_connection_that_cannot_be_set_up_is_told_why_and_closed": {
        "WS: connectionParams malformed": "",
        "WS: connectionParams first message is not one": "",
        "WS: createContext rejects": "",
    },
}
LEFT_OUT = {
    "jsonl: nested promise": "a result in Python is awaited before it is encoded: no part of it is still to come",
}
CAPTURED = 112

SINGLE, BATCH = (f"test_http.py::test_a_{kind}_is_answered_as_captured" for kind in ("single_call", "batch"))
STREAM, SOCKET = "test_sse.py::test_a_stream_goes_as_captured", "test_websocket.py::test_a_dialogue_goes_as_captured"
HTTP, SSE, WS = "test_http.py::test_", "test_sse.py::test_", "test_websocket.py::test_"
RULES: dict[str, str] = {
    "1 the path is percent-decoded once, then split: an encoded comma separates": f"{BATCH}[encoded comma]",
    "1 slashes around the path do not count": f"{SINGLE}[slashes around the path]",
    "1 a malformed escape is 400 without a path": f"{SINGLE}[malformed percent-encoding]",
    "1 a query is got, a mutation posted; else 405 with Allow": f"{SINGLE}[GET to mutation]",
    "1 a 405 comes after 404 and before the input is parsed": f"{SINGLE}[POST to query]",
    "1 method override lets queries be posted": f"{HTTP}method_override_lets_queries_be_posted_but_never_mutations_be_got",
    "1 HEAD is 204 and runs nothing": f"{HTTP}head_is_answered_without_running_anything",
    "1 OPTIONS is not answered": f"{SINGLE}[OPTIONS]",
    "2 no input is undefined and not null": f"{SINGLE}[undefined is not null]",
    "2 null is not undefined": f"{SINGLE}[null is not undefined]",
    "2 an empty body is undefined": f"{SINGLE}[mutation with no body]",
    "2 input is parsed late: UNAUTHORIZED wins over a bad body": f"{SINGLE}[unauthorized wins over bad input]",
    "2 a procedure that reads no input does not fail on a bad one": f"{SINGLE}[an input nobody reads may be bad]",
    "2 bad JSON is BAD_REQUEST": f"{HTTP}bad_json_is_a_bad_request_of_its_call",
    "2 issues are in error.data and never echo the input": f"{HTTP}issues_are_capped_and_never_echo_the_input",
    "2 the content type is compared without case and parameters": f"{SINGLE}[content type with charset]",
    "2 any other content type is 415": f"{SINGLE}[wrong content type]",
    "2 a GET of any content type is JSON": f"{SINGLE}[GET of any content type]",
    "2 a form is the input of a mutation": "test_uploads.py::test_fields_are_read_by_their_types",
    "2 a form is never a batch, and bytes or a form are only posted": "test_uploads.py::test_each_procedure_takes_its_kind_of_body",
    "2 bytes are the input of a mutation": f"{SINGLE}[octet-stream]",
    "2 a body over its limit is 413": f"{SINGLE}[body too large]",
    "3 undefined has no data key": f"{SINGLE}[query returning undefined]",
    "3 an error has message, number and data": f"{SINGLE}[unauthorized middleware]",
    "3 an error formatter may add to data": f"{HTTP}the_application_may_translate_its_errors_and_format_every_shape",
    "3 a foreign exception is hidden": f"{HTTP}a_foreign_exception_is_hidden_and_reported_once",
    "3 an error before the calls is one bare object": f"{BATCH}[too many]",
    "3 every code has its number and status": "test_errors.py::test_codes_have_the_numbers_and_statuses_of_the_protocol",
    "4 exactly batch=1 switches batching on": f"{SINGLE}[batch=true is no batch]",
    "4 one call in a batch is answered by a list": f"{BATCH}[1 item]",
    "4 a missing position is undefined": f"{BATCH}[no input param]",
    "4 an input that is no object fails the calls that read it": f"{BATCH}[input is a string]",
    "4 calls run at the same time": f"{HTTP}calls_of_a_batch_run_at_the_same_time",
    "4 one context serves the whole batch": f"{HTTP}a_batch_creates_one_context",
    "4 one status for all, else 207": f"{BATCH}[same failure]",
    "4 mixed types fail the whole request": f"{BATCH}[mixed types]",
    "4 batching can be switched off": f"{HTTP}batching_can_be_switched_off",
    "4 subscriptions cannot be batched": f"{BATCH}[subscriptions]",
    "5 lines of calls come fastest first": "test_jsonl.py::test_answers_come_fastest_first",
    "5 a streamed request must be a batch": f"{SINGLE}[jsonl: not batched]",
    "5 the status is 200 whatever fails": "test_jsonl.py::test_failures_stay_in_their_calls_and_the_status_is_200",
    "5 an iterable ends, or fails, after its items": "test_jsonl.py::test_an_iterating_query_that_fails_says_so_after_its_items",
    "5 a space keeps the answer alive": "test_jsonl.py::test_spaces_keep_a_silent_answer_alive",
    "5 an iterable without streaming is 415": f"{SINGLE}[stream-like result without jsonl]",
    "6 connected comes first, return last": f"{STREAM}[tracked, finite]",
    "6 an untracked event after an id restores it": f"{STREAM}[untracked after tracked]",
    "6 pings, and the longest life": f"{SSE}pings_fill_silence_and_the_longest_life_ends_the_stream_without_return",
    "6 failures of a known subscription are events": f"{STREAM}[invalid input]",
    "6 an unknown path is a plain answer": f"{SSE}an_unknown_path_is_a_plain_answer",
    "6 the last id comes as header, query or input": f"{STREAM}[resume via Last-Event-ID]",
    "6 the older name of the query works": f"{STREAM}[resume via the older query name]",
    "6 a resumed subscription without input gets one": f"{STREAM}[resume without input]",
    "6 connection parameters authenticate": f"{STREAM}[connectionParams]",
    "6 a client that goes cancels its generator at once": f"{SSE}a_client_that_goes_away_cancels_the_generator_at_once",
    "6 an id that no event stream can carry is refused": "test_router.py::test_a_tracked_id_that_no_event_stream_could_carry_is_refused",
    "7 an id keeps its type": f"{WS}the_id_1_and_the_id_one_as_text_are_two_ids",
    "7 jsonrpc is echoed": f"{SOCKET}[query with jsonrpc and string id]",
    "7 one bad element fails the whole array": f"{SOCKET}[one bad element fails the array]",
    "7 the wrong type is no procedure of that type": f"{SOCKET}[errors]",
    "7 one context serves the whole connection": f"{WS}context_is_created_once_per_connection_with_its_parameters",
    "7 parameters that never come": f"{WS}connection_parameters_that_never_come_end_the_connection",
    "7 an error before the start is alone": f"{SOCKET}[subscription, unauthorized]",
    "7 an error after the start is followed by stopped": f"{SOCKET}[subscription, error]",
    "7 stop runs the clean-up, then says stopped": f"{WS}stop_runs_the_generators_clean_up_then_says_stopped_then_is_silent",
    "7 an id is free again after its subscription": f"{WS}an_id_can_be_used_again_after_its_subscription_ended",
    "7 lastEventId is merged into the input": f"{SOCKET}[subscription, resume without input]",
    "7 an iterating query is refused": f"{SOCKET}[iterating query]",
    "7 a closed socket cancels its subscriptions": f"{WS}closing_the_socket_cancels_its_subscriptions_at_once",
    "7 PING is answered with PONG": f"{SOCKET}[PING]",
    "7 a silent client is pinged and given up": f"{WS}a_silent_client_is_pinged_and_then_given_up",
    "7 a drain asks to reconnect": f"{WS}drain_asks_to_reconnect_refuses_newcomers_and_then_closes",
    "8 superjson goes both ways": "test_superjson.py::test_what_the_real_package_writes_is_read_here",
    "8 envelopes are never transformed": "test_superjson_links.py::test_results_are_as_captured",
    "9 unknown path before a context that fails": f"{SINGLE}[unknown path wins over a context that fails]",
    "9 an output of the wrong type is a fault": f"{HTTP}an_output_of_the_wrong_type_is_a_fault_and_is_not_sent",
    "10 the real client: httpLink": "test_real_client.py::test_http_link",
    "10 the real client: httpBatchLink": "test_real_client.py::test_http_batch_link",
    "10 the real client: httpBatchStreamLink": "test_real_client.py::test_http_batch_stream_link",
    "10 the real client: wsLink": "test_real_client.py::test_ws_link",
    "10 the real client: httpSubscriptionLink": "test_real_client.py::test_http_subscription_link",
    "10 the real client resumes after a cut": "test_real_client.py::test_a_cut_subscription_resumes_without_a_gap_or_a_repeat",
    "+ a full queue loses nothing": f"{WS}a_burst_larger_than_the_queue_reaches_a_reading_client_whole",
    "+ coalescing: a slow client gets the newest": f"{WS}a_slow_client_of_a_coalescing_subscription_gets_the_newest_event",
    "+ a client that stops reading is given up": f"{WS}a_client_that_stops_reading_is_disconnected_and_its_generator_cleaned_up",
    "+ calls and subscriptions per connection are limited": f"{WS}subscriptions_and_calls_per_connection_are_limited",
    "+ connections are limited": f"{WS}connections_beyond_their_limit_are_refused_at_the_handshake",
    "+ a mutation ends though its client has gone": f"{WS}a_mutation_under_way_ends_even_when_its_client_has_gone",
    "+ a call that takes too long is cancelled": f"{HTTP}a_call_that_takes_too_long_is_cancelled_and_says_so",
    "+ a permission withdrawn ends a live subscription": f"{WS}a_permission_withdrawn_ends_a_live_subscription_with_the_reason",
    "+ a correlation id goes in and out": f"{HTTP}a_correlation_id_that_could_forge_a_log_line_is_replaced",
    "+ every call is counted with its code": f"{HTTP}every_call_is_counted_with_its_code",
    "+ data for many viewers is encoded once": f"{WS}data_shared_by_viewers_is_decoded_once_and_only_ids_differ",
    "+ no caller exceeds a rate": "test_rates.py::test_no_span_ever_has_more_calls_than_allowed",
}


@cache
def source(file: str) -> str:
    """Text of a file of tests, and of what it takes its cases from."""
    more = {"test_http.py": "captured_http.py", "test_websocket.py": "dialogues.py"}.get(file)
    return "".join((HERE / name).read_text(encoding="utf-8") for name in (file, more) if name)


@cache
def names_of_tests(file: str) -> frozenset[str]:
    """Names of all tests of a file."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def assert_there(test: str, case: str) -> None:
    file, _, name = test.partition("::")
    assert name in names_of_tests(file), f"{name} is not in {file}"
    assert not case or f'"{case}"' in source(file), f"{test} has no case {case!r}"


@pytest.mark.parametrize("test", CAPTURES)
def test_every_capture_has_its_test(test: str) -> None:
    for case in CAPTURES[test].values():
        assert_there(test, case)


def test_no_capture_is_missing() -> None:
    named = [capture for held in CAPTURES.values() for capture in held]
    assert len({*named, *LEFT_OUT}) == len(named) + len(LEFT_OUT) == CAPTURED


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_test(rule: str) -> None:
    found = re.fullmatch(r"([^\[]+)(?:\[(.*)\])?", RULES[rule])
    assert found is not None
    assert_there(found[1], found[2] or "")


def test_every_group_of_rules_is_there() -> None:
    assert {rule.split()[0] for rule in RULES} == {*map(str, range(1, 11)), "+"}
