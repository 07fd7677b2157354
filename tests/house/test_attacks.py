"""Each attack that the product promises to withstand has its test; secrets are compared in constant time."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTTP, SERVER, SOCKETS = (
    "endpoints/test_attacks.py",
    "endpoints/test_attacks_on_the_server.py",
    "endpoints/test_event_sockets.py",
)
HANDLERS, PAGES, BOUNDS = (
    "endpoints/test_handlers_by_socket.py",
    "endpoints/test_own_pages.py",
    "endpoints/test_bounded_http.py",
)
TEXTS, UPLOADS = "rpc/test_hostile_texts.py", "trpc/test_uploads.py"

SHOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "a forged token": ((HTTP, "only_a_token_that_this_program_signed_for_this_use_is_taken"),),
    "an expired token": ((HTTP, "only_a_token_that_this_program_signed_for_this_use_is_taken"),),
    "a token of the algorithm none": ((HTTP, "only_a_token_that_this_program_signed_for_this_use_is_taken"),),
    "a token for another audience": ((HTTP, "only_a_token_that_this_program_signed_for_this_use_is_taken"),),
    "a token played again": ((HTTP, "a_refresh_token_played_again_ends_the_session_for_both"),),
    "a cookie from another site": (
        (PAGES, "a_page_that_hides_its_origin_borrows_no_cookie"),
        ("rpc/test_sessions.py", "a_page_of_another_site_cannot_ride_on_a_session"),
    ),
    "a WebSocket from a foreign Origin": ((SERVER, "a_page_of_another_site_opens_no_socket"),),
    "every event by a bare socket without login": (
        (HANDLERS, "a_bare_socket_without_a_session_learns_nothing_from_any_handler"),
        (HANDLERS, "no_socket_writes_into_a_state_past_its_handlers"),
    ),
    "every event by every role, across sites": (
        (HANDLERS, "no_handler_shows_or_changes_anything_of_a_site_that_is_not_ones_own"),
        ("ui/test_states.py", "each_role_is_told_which_permission_is_missing_and_gets_all_else"),
    ),
    "a flood of events": (
        (SOCKETS, "a_flood_closes_its_socket_with_the_reason_and_others_go_on"),
        (SERVER, "a_flood_of_events_ends_its_socket_and_the_server_answers_on"),
    ),
    "SQL in a text field": (
        (TEXTS, "no_text_of_any_procedure_is_more_than_text"),
        (HTTP, "whatever_is_typed_at_the_door_is_only_a_wrong_word"),
    ),
    "HTML in a text field": (
        (TEXTS, "what_is_stored_comes_back_letter_by_letter"),
        ("house/test_bundle.py", "no_page_has_inline_code_that_its_policy_would_refuse"),
    ),
    "path traversal": (
        (SERVER, "no_path_leads_out_of_the_folder_of_the_pages"),
        (UPLOADS, "a_files_name_has_no_folders_and_nothing_that_cannot_be_read"),
    ),
    "an oversize body": (
        (HTTP, "a_body_without_end_is_read_no_further_than_its_limit"),
        (UPLOADS, "a_form_that_is_too_much_is_refused_while_it_arrives"),
        (SERVER, "a_frame_of_a_megabyte_ends_its_socket"),
    ),
    "a slow head or body": (
        (BOUNDS, "a_head_that_dribbles_in_is_given_up"),
        ("endpoints/test_ingest.py", "a_body_that_does_not_come_is_given_up"),
        ("trpc/test_slow_bodies.py", "a_body_that_does_not_come_costs_its_call_and_nothing_else"),
    ),
    "10,000 wrong passwords": ((HTTP, "ten_thousand_wrong_passwords_cost_a_handful_of_hashes_and_open_nothing"),),
    "log injection": (
        (HTTP, "what_is_typed_writes_no_second_line_into_the_log"),
        (SERVER, "an_event_that_does_not_exist_or_is_no_event_harms_nobody"),
    ),
    "the timing of a login": (
        (HTTP, "an_unknown_a_wrong_and_a_deactivated_account_cost_the_same_work_and_read_alike"),
    ),
    "the timing of a key's comparison": (
        (HTTP, "keys_are_looked_up_by_hash_and_never_compared_letter_by_letter"),
        ("house/test_attacks.py", "no_secret_is_compared_letter_by_letter"),
    ),
    "a bomb of an archive": (
        ("documents/test_table_files.py", "a_bomb_is_refused_before_anything_of_it_is_unpacked"),
        ("documents/test_table_files.py", "entities_that_unfold_are_refused_with_their_document_type"),
    ),
    "a quota raced by two uploads": (("services/test_uploads.py", "two_uploads_at_once_do_not_share_the_same_room"),),
    "an upload that dribbles or outlives its session": (
        ("endpoints/test_uploads.py", "a_body_that_dribbles_in_is_given_up"),
        ("endpoints/test_uploads.py", "who_signs_out_while_a_file_arrives_hands_nothing_in"),
    ),
    "request smuggling": ((SERVER, "a_request_that_can_be_read_in_two_ways_is_answered_once"),),
    "the front end's own upload": ((PAGES, "the_front_ends_own_upload_is_closed_to_everybody"),),
}


@pytest.mark.parametrize("attack", SHOWN)
def test_each_attack_has_a_test_that_shows_what_it_comes_to(attack: str) -> None:
    for path, name in SHOWN[attack]:
        source = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def test_{name}\(", source, re.MULTILINE), f"{path} lacks test_{name}"


SECRET = re.compile(r"(token|secret|password|signature|digest|mac|otp|nonce|verifier|code|hash)s?$", re.IGNORECASE)
# What ends in such a word and is no secret: error codes, codes of machines, numbers of the lease, hashes of what is
# stored or shown anyway. A comparison of columns is the database's, by an index over hashes.
HARMLESS = {
    "error_code", "asset_code", "event_code", "status_code", "code", "token", "last_hash", "previous_hash", "hash",
    "content_hash", "old_hash",
}  # fmt: skip


def _compared(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not any(isinstance(sign, ast.Eq | ast.NotEq) for sign in node.ops):
            continue
        sides = [node.left, *node.comparators]
        names = {_name(side) for side in sides}
        is_column = any(re.search(r"\bc\.\w+$", ast.unparse(side)) for side in sides)
        is_known = any(isinstance(side, ast.Constant) for side in sides)
        if not is_column and not is_known and any(SECRET.search(name) for name in names - HARMLESS):
            yield node.lineno, ast.unparse(node)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_no_secret_is_compared_letter_by_letter() -> None:
    """A comparison that ends at the first difference tells how much is right; `hmac.compare_digest` does not."""
    found = {
        f"{file.relative_to(ROOT).as_posix()}: {words}"
        for layer in ("services", "endpoints", "rpc", "trpc", "storage", "directories")
        for file in (ROOT / "pdm_app" / layer).rglob("*.py")
        for _, words in _compared(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert found - SET_APART == set()


SET_APART = {
    # Both are SHA-256 of random tokens of 256 bits: who could use what time tells would have to choose their hashes.
    "pdm_app/services/sessions.py: old_hash == row.refresh_hash",
    # A file's own name, which anybody may know, beside what the disk gives: damage is looked for, not a secret.
    "pdm_app/services/model_graphs.py: hashlib.sha256(graph).hexdigest() != sha256",
}


def test_the_search_finds_such_a_comparison() -> None:
    assert list(_compared(ast.parse("if given.password == stored_password: pass")))
    assert list(_compared(ast.parse("x = token_hash(a) != self._key_hash")))
    assert not list(_compared(ast.parse("ok = hmac.compare_digest(a.token, b.token) and error_code == other")))
