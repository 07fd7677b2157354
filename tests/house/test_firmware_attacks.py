"""Each attack on the way of firmware that the product promises to withstand has its test."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DDI, AGENT, RELEASES = "endpoints/test_ddi.py", "firmware/test_agent.py", "services/test_releases.py"
BUNDLES, ROLLOUT, GATE = (
    "documents/test_firmware_bundles.py",
    "engine/test_rollout_releases.py",
    "endpoints/test_gate.py",
)
LARGE, UPLOADS, TICKETS = (
    "endpoints/test_unfinished_uploads.py",
    "endpoints/test_uploads.py",
    "domain/test_firmware_tickets.py",
)
SECRETS = "endpoints/test_ddi_secrets.py"
REFUSED = (AGENT, "what_is_not_signed_or_not_meant_for_this_device_is_refused")

SHOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "a wrong or missing token": ((DDI, "a_wrong_or_missing_token_reads_nothing_on_any_path"),),
    "another device's or a revoked token": (
        (DDI, "the_token_of_another_device_and_a_revoked_one_read_nothing_on_any_path"),
    ),
    "a foreign action or artifact": (
        (DDI, "what_is_another_devices_does_not_exist"),
        ("services/test_device_updates.py", "nobody_speaks_for_another_device"),
    ),
    "a tampered artifact": (
        (AGENT, "another_file_than_the_manifests_is_fetched_twice_and_then_refused"),
        (RELEASES, "a_release_whose_file_is_gone_or_cut_off_is_not_assigned"),
        (RELEASES, "a_damaged_upload_makes_no_release_and_stays"),
    ),
    "a tampered manifest": (
        REFUSED,
        (RELEASES, "a_release_that_was_changed_in_the_database_reaches_no_device"),
        (ROLLOUT, "a_campaign_does_not_begin_with_what_nobody_vouches_for_and_its_plan_says_so"),
    ),
    "a tampered signature": (REFUSED, (RELEASES, "a_signature_holds_for_this_release_and_a_known_key_alone")),
    "a tampered ticket": (REFUSED, (TICKETS, "a_ticket_allows_one_thing"), (TICKETS, "any_text_is_read_or_refused")),
    "a replayed ticket": ((AGENT, "a_ticket_is_taken_once"),),
    "a downgrade": (
        (AGENT, "a_release_below_the_floor_is_refused_and_the_floor_stays"),
        ("engine/test_rollout.py", "it_says_beforehand_who_is_left_out_and_why"),
        ("engine/test_rollout_restored.py", "a_security_version_that_was_forgotten_is_not_gone_below"),
    ),
    "an expired or revoked key": (
        (RELEASES, "a_key_that_expires_keeps_its_releases_from_devices_until_they_are_signed_anew"),
        ("services/test_device_updates.py", "a_key_that_is_revoked_on_the_way_takes_the_release_from_every_device"),
        (ROLLOUT, "a_key_that_is_revoked_pauses_the_campaign_until_the_release_is_vouched_for_again"),
    ),
    "an uploader who approves": ((RELEASES, "whoever_uploaded_a_release_cannot_approve_it"),),
    "path traversal by names": (
        (DDI, "no_other_file_can_be_named"),
        (BUNDLES, "an_entry_that_could_be_written_elsewhere_is_refused"),
        (BUNDLES, "links_folders_and_devices_are_refused"),
        ("services/test_artifacts.py", "a_name_in_an_address_is_plain"),
    ),
    "a bomb of an archive": (
        (BUNDLES, "a_size_that_the_file_does_not_have_is_refused_without_reading_it"),
        (BUNDLES, "more_entries_than_any_updater_needs_are_refused"),
    ),
    "too much of anything": (
        (DDI, "too_large_a_body_is_refused"),
        (LARGE, "more_than_was_promised_or_may_be_is_refused_and_nothing_else_is_lost"),
        (LARGE, "the_room_of_a_whole_file_is_promised_when_it_begins"),
    ),
    "a slow upload": (
        (LARGE, "who_dribbles_is_given_up_and_what_came_is_kept"),
        (UPLOADS, "a_body_that_dribbles_in_is_given_up"),
        ("endpoints/test_bounded_http.py", "a_head_that_dribbles_in_is_given_up"),
    ),
    "somebody else's upload": (
        (LARGE, "a_file_is_its_senders_alone"),
        (RELEASES, "somebody_elses_upload_makes_no_release"),
        (LARGE, "a_page_of_another_site_sends_nothing"),
    ),
    "a token in logs or addresses": (
        (SECRETS, "a_token_is_in_no_log_no_answer_and_no_address"),
        (SECRETS, "a_token_in_an_address_opens_nothing"),
    ),
    "the timing of a comparison": (
        ("house/test_attacks.py", "no_secret_is_compared_letter_by_letter"),
        ("endpoints/test_attacks.py", "keys_are_looked_up_by_hash_and_never_compared_letter_by_letter"),
    ),
    "too many calls of a device or an address": (
        (GATE, "each_kind_of_credential_is_counted_also_at_this_machine"),
        (GATE, "one_credential_is_no_quicker_from_many_addresses"),
        (GATE, "an_address_that_calls_too_often_waits_and_is_then_served_again"),
        (GATE, "invented_credentials_do_not_lift_the_limit_of_an_address"),
    ),
    "success that is only claimed": (
        ("services/test_device_updates.py", "success_without_a_download_is_not_believed"),
        (DDI, "a_download_that_breaks_off_is_no_whole_one"),
    ),
}


@pytest.mark.parametrize("attack", SHOWN)
def test_each_attack_on_firmware_has_a_test_that_shows_what_it_comes_to(attack: str) -> None:
    for path, name in SHOWN[attack]:
        source = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def test_{name}\(", source, re.MULTILINE), f"{path} lacks test_{name}"
