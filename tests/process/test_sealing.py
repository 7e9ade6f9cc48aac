"""Sealed values and keyed hashes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kiosk.process.sealing import EXPECTED, SECRET_BYTES, Seals, SecretUnusable, Unsealable, load_secret

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))


def test_a_sealed_value_opens_only_by_its_secret_and_for_what_it_is_about() -> None:
    seals = Seals(SECRET)
    sealed = seals.seal("神経難病".encode(), b"slot 1")
    assert seals.open(sealed, b"slot 1") == "神経難病".encode()
    assert "神経".encode() not in sealed
    assert sealed != seals.seal("神経難病".encode(), b"slot 1"), "equal values must not look equal"
    for opener, about, what in (
        (seals, b"slot 2", sealed),
        (Seals(OTHER), b"slot 1", sealed),
        (seals, b"slot 1", sealed[:-1]),
        (seals, b"slot 1", b""),
        (seals, b"slot 1", bytes([sealed[0] ^ 1]) + sealed[1:]),
    ):
        with pytest.raises(Unsealable):
            opener.open(what, about)


def test_hashes_tell_values_people_divisions_and_secrets_apart() -> None:
    seals = Seals(SECRET)
    hashes = {
        seals.person("1234"), seals.value("1234"), seals.value("12", "34"), seals.value("123", "4"), seals.value(),
        seals.value(""), seals.value("", ""), seals.value("\ud800"), Seals(OTHER).person("1234"), seals.identity,
    }  # fmt: skip
    assert len(hashes) == 10
    assert Seals(SECRET).person("1234") == seals.person("1234")


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "desk.key"
    secret = load_secret(file, {})
    assert len(secret) == SECRET_BYTES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_secret(file, {}) == secret


def test_a_secret_that_systemd_is_to_give_is_never_made_or_read_in_clear(tmp_path: Path) -> None:
    file, environ = (
        tmp_path / "desk.key",
        {EXPECTED: "other.key desk.key", "CREDENTIALS_DIRECTORY": str(tmp_path / "c")},
    )
    for _ in range(2):
        with pytest.raises(SecretUnusable, match=r"LoadCredentialEncrypted=desk\.key"):
            load_secret(file, environ)
        assert list(tmp_path.iterdir()) == [file] * file.exists()
        file.write_bytes(SECRET)  # of a time before the unit said so
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "desk.key").write_bytes(OTHER)
    assert load_secret(file, environ) == OTHER
    assert load_secret(tmp_path / "known.key", environ) != OTHER, "the others are made as ever"


def test_a_credential_wins_and_a_broken_secret_is_never_replaced(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "desk.key").write_bytes(OTHER)
    file = tmp_path / "desk.key"
    assert load_secret(file, {"CREDENTIALS_DIRECTORY": str(credentials)}) == OTHER
    assert not file.exists()
    for wrong in (b"", SECRET[:-1], SECRET + b"\n"):
        file.write_bytes(wrong)
        with pytest.raises(SecretUnusable, match=r"desk\.key"):
            load_secret(file, {})
        assert file.read_bytes() == wrong
