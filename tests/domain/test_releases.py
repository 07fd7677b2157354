"""What a release is, what of it is signed, how far it may come, and which devices it fits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.releases import (
    STEPS,
    Hardware,
    Obstacle,
    ReleaseState,
    ReleaseStep,
    Target,
    manifest,
    manifest_sha256,
    obstacles,
    steps_from,
)
from tests.domain.releases import GATEWAY, artifact, facts

OURS = Target(model="GW-100", revision="A", version="1.4.2", security_version=3)


def test_the_manifest_is_written_out_here_by_hand() -> None:
    assert manifest(facts(), artifact()).decode() == (
        '{"artifact":{"bytes":3000000,"filename":"gateway-2.0.0.swu","md5":"' + "ef" * 16 + '","sha1":"' + "cd" * 20
        + '","sha256":"' + "ab" * 32 + '"},"hardware":[{"model":"GW-100","revisions":["A","B"]}],'
        '"min_from_version":"1.4","name":"gateway-os","rollback_safe":true,"security_version":3,'
        '"type":"pdm-firmware-manifest/1","version":"2.0.0"}'
    )  # fmt: skip


def test_notes_and_the_order_of_typing_are_no_part_of_the_manifest() -> None:
    other = Hardware(model="GW-200")
    one = facts(hardware=(GATEWAY, other), notes="one")
    turned = facts(hardware=(other, Hardware(model="GW-100", revisions=("A", "B"))), notes="two")
    assert manifest(one, artifact()) == manifest(turned, artifact())


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"}, {"version": "2.0.1"}, {"security_version": 4}, {"hardware": (Hardware(model="GW-200"),)},
        {"hardware": (Hardware(model="GW-100"),)}, {"min_from_version": None}, {"rollback_safe": False},
    ],
)  # fmt: skip
def test_whatever_decides_about_installing_changes_the_manifest(change: dict[str, object]) -> None:
    assert manifest_sha256(facts(**change), artifact()) != manifest_sha256(facts(), artifact())


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"bytes": 1}, {"filename": "x.swu"}, {"sha1": "0" * 40}])
def test_another_file_is_another_manifest(change: dict[str, object]) -> None:
    assert json.loads(manifest(facts(), artifact(**change))) != json.loads(manifest(facts(), artifact()))


@given(st.lists(st.sampled_from(ReleaseStep), max_size=12))
def test_no_way_leads_to_devices_but_by_signature_approval_and_publication(steps: list[ReleaseStep]) -> None:
    state = ReleaseState.DRAFT
    done: list[ReleaseStep] = []
    for step in steps:
        if (state, step) in STEPS:
            state, done = STEPS[state, step], [*done, step]
    if state in (ReleaseState.PUBLISHED, ReleaseState.DEPRECATED):
        order = [done.index(step) for step in (ReleaseStep.SIGN, ReleaseStep.APPROVE, ReleaseStep.PUBLISH)]
        assert order == sorted(order)
    if ReleaseStep.REVOKE in done:
        assert state is ReleaseState.REVOKED
        assert done[-1] is ReleaseStep.REVOKE


def test_every_state_is_reached_and_nothing_leads_out_of_revoked() -> None:
    assert {ReleaseState.DRAFT, *STEPS.values()} == set(ReleaseState)
    assert steps_from(ReleaseState.REVOKED) == frozenset()
    assert steps_from(ReleaseState.DRAFT) == {ReleaseStep.SIGN}


def test_a_release_fits_a_device_of_its_hardware() -> None:
    assert obstacles(facts(), OURS) == ()
    assert obstacles(facts(hardware=(Hardware(model="GW-100"),)), OURS.model_copy(update={"revision": ""})) == ()


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        ({"model": "GW-200"}, Obstacle.MODEL),
        ({"model": ""}, Obstacle.MODEL),
        ({"revision": "C"}, Obstacle.REVISION),
        ({"revision": ""}, Obstacle.REVISION),
        ({"version": "1.3.9"}, Obstacle.FROM_VERSION),
        ({"version": None}, Obstacle.FROM_VERSION),
        ({"security_version": 4}, Obstacle.SECURITY_FLOOR),
    ],
)
def test_a_release_does_not_fit_for_a_reason_that_has_a_name(change: dict[str, object], obstacle: Obstacle) -> None:
    assert obstacles(facts(), OURS.model_copy(update=change)) == (obstacle,)


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "../x.swu"}, {"filename": ".hidden"}, {"filename": "a/b"}, {"filename": "a b"},
        {"filename": "a\n"},        {"sha256": "AB" * 32}, {"bytes": 0},
    ],
)  # fmt: skip
def test_an_artifact_whose_name_or_hash_could_mislead_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        artifact(**change)


def test_a_model_is_named_once_and_a_release_has_hardware() -> None:
    with pytest.raises(ValidationError, match="twice"):
        facts(hardware=(GATEWAY, GATEWAY))
    with pytest.raises(ValidationError):
        facts(hardware=())
