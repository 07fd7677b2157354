"""Sealed values open only with their key and where they were put; keys come from where they may."""

import base64
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.secrets import PLAIN_BYTES_MAX, Sealer, SealError
from pdm_app.services.secrets import (
    CREDENTIAL,
    CREDENTIALS_VARIABLE,
    KEY_FILE,
    MasterKeyError,
    key_ring,
    new_key,
)

WORD = "Grüße, copper lantern"
HERE = {"purpose": "connection", "record_id": "press-07"}


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CREDENTIALS_VARIABLE, raising=False)


def test_what_was_sealed_opens_again_and_cannot_be_read_before(tmp_path: Path) -> None:
    sealer: Sealer = key_ring(tmp_path)
    sealed = sealer.seal(WORD, **HERE)
    assert sealer.open(sealed, **HERE) == WORD
    assert sealed.isascii()
    raw = base64.urlsafe_b64decode(sealed.split(".")[2])
    assert WORD.encode() not in raw
    assert len(raw) == 12 + len(WORD.encode()) + 16  # Nonce, ciphertext, tag: NIST SP 800-38D.


def test_the_same_word_is_sealed_differently_each_time(tmp_path: Path) -> None:
    sealer = key_ring(tmp_path)
    nonces = {base64.urlsafe_b64decode(sealer.seal(WORD, **HERE).split(".")[2])[:12] for _ in range(1000)}
    assert len(nonces) == 1000


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"purpose": "mail", "record_id": "press-07"},
        {"purpose": "connection", "record_id": "press-08"},
        {"purpose": "connection\0press", "record_id": "-07"},
    ],
)
def test_a_value_moved_to_another_record_does_not_open(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    sealer = key_ring(tmp_path)
    with pytest.raises(SealError, match="belongs to another record"):
        sealer.open(sealer.seal(WORD, **HERE), **elsewhere)


def test_a_value_changed_in_any_byte_does_not_open(tmp_path: Path) -> None:
    sealer = key_ring(tmp_path)
    form, key_id, text = sealer.seal("abc", **HERE).split(".")
    raw = base64.urlsafe_b64decode(text)
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(SealError):
            sealer.open(f"{form}.{key_id}.{base64.urlsafe_b64encode(changed).decode()}", **HERE)


@pytest.mark.parametrize(
    "junk", ["", "v1", "v1.", "v2.abc.def", "v1..", "plain word", "v1.{key}.", "v1.{key}.é", "v1.{key}.AA"]
)
def test_what_is_no_sealed_value_is_refused_in_words(tmp_path: Path, junk: str) -> None:
    sealer = key_ring(tmp_path)
    with pytest.raises(SealError, match=r"press-07.*[Ee]nter the secret again"):
        sealer.open(junk.replace("{key}", sealer.key_id), **HERE)


def test_another_key_says_which_one_is_missing_and_where_it_was_looked_for(tmp_path: Path) -> None:
    mine, theirs = key_ring(tmp_path / "mine"), key_ring(tmp_path / "theirs")
    with pytest.raises(SealError) as caught:
        theirs.open(mine.seal(WORD, **HERE), **HERE)
    assert mine.key_id in caught.value.message
    assert theirs.key_id in caught.value.message
    assert str(tmp_path / "theirs" / KEY_FILE) in caught.value.message
    assert WORD not in caught.value.message


def test_a_secret_too_long_to_be_one_is_refused(tmp_path: Path) -> None:
    sealer = key_ring(tmp_path)
    assert sealer.open(sealer.seal("x" * PLAIN_BYTES_MAX, **HERE), **HERE) == "x" * PLAIN_BYTES_MAX
    with pytest.raises(InvalidInputError, match="16385 bytes"):
        sealer.seal("x" * (PLAIN_BYTES_MAX + 1), **HERE)


def test_the_first_start_makes_a_key_that_only_its_owner_reads_and_the_next_finds_it(tmp_path: Path) -> None:
    sealed = key_ring(tmp_path).seal(WORD, **HERE)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert key_ring(tmp_path).open(sealed, **HERE) == WORD


@pytest.mark.skipif(os.name != "posix", reason="other systems have no file modes")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key_ring(tmp_path)
    for mode in (0o640, 0o604, 0o622, 0o666):
        (tmp_path / KEY_FILE).chmod(mode)
        with pytest.raises(MasterKeyError, match=r"chmod 600"):
            key_ring(tmp_path)


def test_the_setting_wins_over_the_credential_and_that_over_the_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, credential, setting = key_ring(tmp_path), new_key(), new_key()
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / CREDENTIAL).write_text(credential)
    (tmp_path / "credentials" / CREDENTIAL).chmod(0o440)  # systemd's own mode; the directory is what protects it.
    monkeypatch.setenv(CREDENTIALS_VARIABLE, str(tmp_path / "credentials"))
    assert key_ring(tmp_path).key_id == key_ring(tmp_path, SecretStr(credential)).key_id
    assert key_ring(tmp_path, SecretStr(setting)).key_id not in (own.key_id, key_ring(tmp_path).key_id)


def test_a_named_file_must_exist_and_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyError, match="put it back"):
        key_ring(tmp_path, file=tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "text", ["", "short", "A" * 43, base64.b64encode(b"x" * 31).decode(), "not base64 at all!", "é"]
)
def test_a_malformed_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(MasterKeyError) as caught:
        key_ring(Path("unused"), SecretStr(text))
    assert "PDM_SECRETS__KEY" in caught.value.message
    assert not text or text not in caught.value.message


def test_a_key_made_by_openssl_is_taken(tmp_path: Path) -> None:
    key = base64.b64encode(b"\xfb\xef" * 16).decode()  # Has + and / in it.
    assert "+" in key
    sealer = key_ring(tmp_path, SecretStr(key))
    assert sealer.open(sealer.seal(WORD, **HERE), **HERE) == WORD


def test_keys_of_before_still_open_and_the_first_one_seals(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    before = key_ring(tmp_path, SecretStr(old))
    both = key_ring(tmp_path, SecretStr(f"{new},{old}"))
    assert both.open(before.seal(WORD, **HERE), **HERE) == WORD
    assert both.seal(WORD, **HERE).split(".")[1] == both.key_id != before.key_id


def test_a_key_file_changed_by_another_process_is_noticed(tmp_path: Path) -> None:
    running = key_ring(tmp_path)
    old = (tmp_path / KEY_FILE).read_text()
    sealed = running.seal(WORD, **HERE)
    fresh = new_key()
    (tmp_path / KEY_FILE).write_text(f"{fresh}\n{old}")
    other = key_ring(tmp_path)
    assert running.open(other.seal("new", **HERE), **HERE) == "new"
    assert running.open(sealed, **HERE) == WORD
    assert running.seal("next", **HERE).split(".")[1] == other.key_id


def test_two_first_starts_at_once_end_up_with_one_key(tmp_path: Path) -> None:
    first = key_ring(tmp_path)
    (tmp_path / KEY_FILE).rename(tmp_path / "aside")
    second = key_ring(tmp_path)
    (tmp_path / "aside").replace(tmp_path / KEY_FILE)
    sealed = first.seal(WORD, **HERE)
    assert key_ring(tmp_path).open(sealed, **HERE) == WORD
    assert second.key_id == first.key_id  # It reads again what the file has become.
