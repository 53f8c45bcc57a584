import json
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.storage import secrets
from rolecall.storage.secrets import (
    BadKeyRing,
    KeyRing,
    KeysAreFixed,
    SealBroken,
    SecretKeyInUse,
    SecretKeyMissing,
    UnsafeKeyFile,
    key_id_of,
    place_of,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
PLACE = place_of("subscription", "secret", "s1")
RING = KeyRing(
    Path("nowhere"),
    json.dumps({"format": 1, "primary": "k", "keys": {"k": {"created_at": "", "secret": "A" * 43 + "="}}}),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def ring(path):
    ring = KeyRing(path)
    ring.ensure(NOW)
    return ring


def names_beside(path):
    return [file.name for file in path.parent.iterdir()]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_comes_back(text):
    assert RING.unseal(RING.seal(text, place=PLACE), place=PLACE) == text


def test_one_text_is_sealed_differently_each_time_and_never_in_clear(ring):
    first, second = (ring.seal("marker", place=PLACE) for _ in range(2))
    assert first != second
    assert "marker" not in first
    assert key_id_of(first) == ring.primary


def test_a_seal_holds_in_its_own_place_only(ring):
    sealed = ring.seal("x", place=PLACE)
    with pytest.raises(SealBroken, match=r"subscription\.secret/s2"):
        ring.unseal(sealed, place=place_of("subscription", "secret", "s2"))


@pytest.mark.parametrize(
    "change", [lambda s: s[:-9], lambda s: s + "!", lambda s: "x" + s], ids=["shorter", "longer", "moved"]
)
def test_a_changed_seal_is_broken(ring, change):
    with pytest.raises(SealBroken):
        ring.unseal(change(ring.seal("a longer text", place=PLACE)), place=PLACE)


def test_a_seal_of_one_key_is_not_taken_for_one_of_another(ring):
    sealed = ring.seal("x", place=PLACE)
    old, new = ring.primary, ring.rotate(NOW)
    with pytest.raises(SealBroken):
        ring.unseal(sealed.replace(old, new), place=PLACE)


def test_the_first_key_is_made_once_and_for_the_owner_alone(path, ring):
    before = path.read_bytes()
    KeyRing(path).ensure(NOW)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_beside(path) == ["keys.json"]


def test_two_that_make_the_first_key_at_once_end_up_with_one(path):
    rings = [KeyRing(path) for _ in range(8)]
    threads = [threading.Thread(target=ring.ensure, args=(NOW,)) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ring.primary for ring in rings}) == 1
    assert names_beside(path) == ["keys.json"]


def test_after_a_rotation_old_seals_open_and_new_ones_are_of_the_new_key(ring):
    old, sealed = ring.primary, ring.seal("x", place=PLACE)
    new = ring.rotate(NOW)
    assert (ring.primary, set(ring.key_ids)) == (new, {old, new})
    assert ring.unseal(sealed, place=PLACE) == "x"
    assert key_id_of(ring.seal("x", place=PLACE)) == new


def test_another_process_sees_a_rotation_without_being_told(path, ring):
    other = KeyRing(path)
    assert other.primary == ring.primary
    new = ring.rotate(NOW)
    assert other.unseal(ring.seal("x", place=PLACE), place=PLACE) == "x"
    assert other.primary == new


def test_rotations_side_by_side_lose_no_key(path, ring):
    made = [ring.primary]
    threads = [threading.Thread(target=lambda: made.append(KeyRing(path).rotate(NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ring.key_ids) == set(made)
    assert len(made) == 9


def test_a_rotation_that_cannot_be_written_leaves_the_ring_as_it_was(path, ring, monkeypatch):
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secrets.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ring.rotate(NOW)
    assert path.read_bytes() == before
    assert names_beside(path) == ["keys.json"]


def test_a_key_that_is_forgotten_opens_nothing_more(ring):
    old, sealed = ring.primary, ring.seal("x", place=PLACE)
    with pytest.raises(SecretKeyInUse):
        ring.forget(old)
    ring.rotate(NOW)
    ring.forget(old)
    with pytest.raises(SecretKeyMissing, match=old):
        ring.unseal(sealed, place=PLACE)
    with pytest.raises(SecretKeyMissing):
        ring.forget(old)


def test_without_a_file_nothing_is_sealed(path):
    with pytest.raises(SecretKeyMissing, match=r"keys\.json is made by"):
        KeyRing(path).seal("x", place=PLACE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(path, ring, mode):
    path.chmod(mode)
    for attempt in (lambda: ring.seal("x", place=PLACE), lambda: KeyRing(path).ensure(NOW), lambda: ring.rotate(NOW)):
        with pytest.raises(UnsafeKeyFile, match="chmod 600"):
            attempt()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 1, "primary": "k", "keys": {}}',
        '{"format": 1, "primary": "k", "keys": {"k": {"created_at": "", "secret": "QQ=="}}}',
        '{"format": 1, "primary": "k", "keys": {"k": {"created_at": "", "secret": "!"}}}',
        '{"format": 1, "primary": "k", "keys": {"k": "x"}}',
        '{"format": 2, "primary": "k", "keys": {"k": {"created_at": "", "secret": "' + "A" * 43 + '="}}}',
        '{"format": 1, "primary": "K:", "keys": {"K:": {"created_at": "", "secret": "' + "A" * 43 + '="}}}',
    ],
)
def test_what_is_no_key_ring_is_refused_with_its_form(path, text):
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadKeyRing, match=r"keys\.json holds no key ring"):
        KeyRing(path).ensure(NOW)
    with pytest.raises(BadKeyRing, match="ROLECALL_KEYS holds no key ring"):
        KeyRing(path, text)


def test_keys_of_the_variable_open_what_those_of_the_file_sealed_and_stay_as_they_are(path, ring):
    fixed = KeyRing(path.with_name("other.json"), path.read_text())
    fixed.ensure(NOW)
    assert names_beside(path) == ["keys.json"]
    assert fixed.unseal(ring.seal("x", place=PLACE), place=PLACE) == "x"
    with pytest.raises(KeysAreFixed, match="rotate --resume"):
        fixed.rotate(NOW)
    with pytest.raises(KeysAreFixed):
        fixed.forget("k")
