"""Which new passwords are refused, and how stored ones are checked."""

import asyncio

import pytest

from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.services.passwords import WAITING_MAX, PasswordHasher, check_strength
from tests.counterparts.installation import quick_hasher


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "has 0 characters"),
        ("short", "has 5 characters"),
        ("x" * 300, "more than 256"),
        ("aaaaaaaaaaaa", "fewer than 5 different"),
        ("abababababab", "fewer than 5 different"),
        ("olga.operator99!", "contains the username"),
        ("I am OPERATOR 7", "contains the username"),
        ("abcdefghijkl", "sequence"),
        ("9876543210", "sequence"),
        ("qwertyuiop", "sequence"),
        ("password123!", "common"),
        ("P@ssw0rd2026!", "common"),
        ("Sommer2026!!", "common"),
        ("siemens12345", "common"),
        ("welcomewelcome", "common"),
        ("correcthorsebatterystaple", "common"),
    ],
)
def test_a_password_that_guessers_try_early_is_refused_with_a_reason(password: str, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as caught:
        check_strength(password, "olga.operator")
    assert caught.value.issues[0].field == "password"
    assert password not in str(caught.value) or not password


@pytest.mark.parametrize(
    "password", ["copper lantern drifts", "vT7#kq9Lw2", "Grüße an die Möwe", "四つの長い言葉を選ぶ時"]
)
def test_phrases_and_random_words_of_any_script_pass_without_rules_of_composition(password: str) -> None:
    check_strength(password, "olga.operator")


async def test_a_hash_is_argon2id_and_fits_only_its_password() -> None:
    hasher = quick_hasher()
    stored = await hasher.hash("copper lantern drifts")
    assert stored.startswith("$argon2id$v=19$")
    assert (await hasher.verify("copper lantern drifts", stored)).fits
    assert not (await hasher.verify("copper lantern drift", stored)).fits
    hasher.close()


def test_production_hashes_cost_what_owasp_asks_for() -> None:
    hasher = PasswordHasher()
    assert hasher._context.hash("copper lantern drifts").startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    hasher.close()


async def test_the_same_letters_typed_on_another_system_fit() -> None:
    hasher = quick_hasher()
    stored = await hasher.hash("Möwe über Graz")
    assert (await hasher.verify("Mo\u0308we u\u0308ber Graz", stored)).fits
    hasher.close()


async def test_an_old_hash_is_replaced_by_one_of_todays_cost() -> None:
    old, new = PasswordHasher(memory_kib=8, passes=1), PasswordHasher(memory_kib=16, passes=1)
    stored = await old.hash("copper lantern drifts")
    verdict = await new.verify("copper lantern drifts", stored)
    assert verdict.fits
    assert verdict.new_hash is not None
    assert "m=16," in verdict.new_hash
    assert (await new.verify("wrong", stored)).new_hash is None
    old.close()
    new.close()


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$broken"])
async def test_a_stored_hash_that_is_none_fits_nothing(stored: str) -> None:
    hasher = quick_hasher()
    assert not (await hasher.verify("anything", stored)).fits
    hasher.close()


@pytest.mark.parametrize("password", ["", "\x00", "a\x00b", "\ud800", "x" * 1_000_000])
async def test_strange_passwords_are_wrong_and_nothing_worse(password: str) -> None:
    hasher = quick_hasher()
    stored = await hasher.hash("copper lantern drifts")
    assert not (await hasher.verify(password, stored)).fits
    assert not (await hasher.verify(password, None)).fits
    hasher.close()


async def test_beyond_the_queue_people_are_told_to_come_back() -> None:
    hasher = quick_hasher()
    outcomes = await asyncio.gather(
        *(hasher.verify("anything", None) for _ in range(WAITING_MAX + 10)), return_exceptions=True
    )
    assert sum(isinstance(outcome, UnavailableError) for outcome in outcomes) == 10
    assert not (await hasher.verify("anything", None)).fits
    hasher.close()
