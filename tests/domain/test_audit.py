"""The chain of the audit trail: any touch is found, and the first entry that is not what it was is named."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.audit import (
    BEFORE_THE_FIRST,
    CHANGE_BYTES_MAX,
    Anchor,
    AuditEntry,
    AuditFact,
    AuditHead,
    ChainCheck,
    canonical,
    change_between,
    hash_of,
    sealed,
)

NOON = 1_800_000_000_000_000
WORDS = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)


def fact(number: int, name: str = "P-501") -> AuditFact:
    return AuditFact(
        id=f"id-{number}", at=NOON + number, actor_id="u1", actor="ada", role="admin", action="things.changed",
        subject="thing", subject_id=str(number), name=name, before='{"a":1}', after='{"a":2}',
    )  # fmt: skip


def chain(count: int, names: Sequence[str] = ()) -> tuple[list[AuditEntry], AuditHead]:
    entries: list[AuditEntry] = []
    head = AuditHead()
    for number in range(count):
        entries.append(sealed(fact(number, names[number] if names else "P-501"), head))
        head = AuditHead(seq=entries[-1].seq, hash=entries[-1].hash)
    return entries, head


def checked(
    entries: Sequence[AuditEntry], head: AuditHead, anchor: Anchor | None = None, portion: int = 3
) -> ChainCheck:
    """Check by number, in portions, as the rows come out of a database."""
    check = ChainCheck(anchor)
    in_order = sorted(entries, key=lambda entry: entry.seq)
    for start in range(0, len(in_order), portion):
        check.take(in_order[start : start + portion])
    check.end(head)
    return check


@given(st.lists(WORDS, max_size=12), st.integers(1, 5))
def test_whatever_was_recorded_verifies_in_portions_of_any_size(names: list[str], portion: int) -> None:
    entries, head = chain(len(names), names)
    check = checked(entries, head, portion=portion)
    assert (check.broken_at, check.fault, check.checked, check.last_hash) == (None, "", len(names), head.hash)


def test_the_hash_is_that_of_the_canonical_form_written_by_hand() -> None:
    """Somebody with another program must be able to verify an export: this is all they need to know."""
    import hashlib

    (entry,), _ = chain(1)
    by_hand = (
        '{"action":"things.changed","actor":"ada","actor_id":"u1","address":"","after":"{\\"a\\":2}",'
        f'"at":{NOON},"before":"{{\\"a\\":1}}","correlation_id":"","format":1,"id":"id-0","name":"P-501",'
        f'"previous":"{BEFORE_THE_FIRST}","reason":"","role":"admin","seq":1,"session_id":"","site_id":null,'
        '"subject":"thing","subject_id":"0"}'
    )
    assert entry.hash == hashlib.sha256(by_hand.encode()).hexdigest()


FIELDS = sorted(set(AuditEntry.model_fields) - {"seq"})
Place = st.tuples(st.integers(2, 12), st.integers(0, 1_000)).map(lambda pair: (pair[0], pair[1] % pair[0]))


@given(Place, st.sampled_from(FIELDS))
def test_one_altered_field_of_any_entry_is_found_and_named(place: tuple[int, int], field: str) -> None:
    count, number = place
    entries, head = chain(count)
    old = getattr(entries[number], field)
    entries[number] = entries[number].model_copy(update={field: old + 1 if isinstance(old, int) else f"{old or ''}x"})
    assert checked(entries, head).broken_at == number + 1


@given(Place, st.sampled_from(sorted(set(AuditFact.model_fields) - {"at", "id"})))
def test_who_alters_an_entry_and_reckons_its_hash_anew_is_found_at_the_next_one(
    place: tuple[int, int], field: str
) -> None:
    count, number = place
    entries, head = chain(count)
    forged = entries[number].model_copy(update={field: f"{getattr(entries[number], field) or ''}x"})
    entries[number] = forged.model_copy(update={"hash": hash_of(forged)})
    assert checked(entries, head).broken_at == min(number + 2, count)


@given(Place)
def test_a_removed_entry_is_found_also_where_those_after_it_are_moved_up(place: tuple[int, int]) -> None:
    count, number = place
    entries, head = chain(count)
    del entries[number]
    assert checked(entries, head).broken_at == number + 1
    moved = [entry.model_copy(update={"seq": place + 1}) for place, entry in enumerate(entries)]
    assert checked(moved, head).broken_at == number + 1
    shorter = AuditHead(seq=count - 1, hash=entries[-1].hash)
    assert checked(moved, shorter).broken_at == (number + 1 if number < count - 1 else None)


@given(Place, st.integers(0, 1_000))
def test_an_inserted_entry_is_found(place: tuple[int, int], where: int) -> None:
    count, number = place
    entries, head = chain(count)
    position = where % (count + 1)
    moved = [e if e.seq <= position else e.model_copy(update={"seq": e.seq + 1}) for e in entries]
    forged = sealed(
        fact(99), AuditHead(seq=position, hash=entries[position - 1].hash if position else BEFORE_THE_FIRST)
    )
    assert checked([*moved, forged], head).broken_at == position + (2 if position < count else 1)
    assert checked([*entries, forged.model_copy(update={"seq": -number})], head).broken_at == -number


@given(Place, st.integers(0, 1_000))
def test_two_entries_that_changed_places_are_found(place: tuple[int, int], other: int) -> None:
    count, first = place
    second = other % count
    entries, head = chain(count)
    swapped = {first: second, second: first}
    moved = [e.model_copy(update={"seq": swapped.get(e.seq - 1, e.seq - 1) + 1}) for e in entries]
    assert checked(moved, head).broken_at == (None if first == second else min(first, second) + 1)


def test_a_cut_off_end_shows_by_the_head_and_a_chain_written_anew_by_a_hash_kept_elsewhere() -> None:
    entries, head = chain(6)
    anchor = Anchor(seq=4, hash=entries[3].hash)
    assert checked(entries, head, anchor).broken_at is None
    assert checked(entries[:4], head).broken_at == 5
    cut = AuditHead(seq=3, hash=entries[2].hash)
    assert checked(entries[:3], cut).broken_at is None, "head and end agree: only somebody's note can tell"
    assert checked(entries[:3], cut, anchor).broken_at == 4
    anew, its_head = chain(6, ["forged"] * 6)
    assert checked(anew, its_head).broken_at is None
    assert checked(anew, its_head, anchor).broken_at == 4
    assert checked([], AuditHead()).broken_at is None
    assert checked([], head).broken_at == 1


def test_only_the_fields_that_differ_are_kept() -> None:
    assert change_between({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ('{"b":2}', '{"b":3}')
    assert change_between(None, {"b": "ü", "a": None}) == ("", '{"a":null,"b":"ü"}')
    assert change_between({"a": 1}, None) == ('{"a":1}', "")
    assert change_between({"a": 1}, {"a": 1}) == ("{}", "{}")
    assert change_between(None, None) == ("", "")


@pytest.mark.parametrize("size", [10, CHANGE_BYTES_MAX, 5 * CHANGE_BYTES_MAX])
@pytest.mark.parametrize("letter", ["x", "ü", "🙂", "\ud800"])
def test_a_change_too_large_gives_up_its_largest_field_and_says_so(size: int, letter: str) -> None:
    before, after = change_between({"name": "old", "notes": ""}, {"name": "new", "notes": letter * size})
    assert json.loads(before) == {"name": "old", "notes": ""}
    kept = json.loads(after)
    assert kept["name"] == "new"
    assert len(after.encode()) <= CHANGE_BYTES_MAX
    if size > CHANGE_BYTES_MAX:
        assert kept["notes"]["left_out_bytes"] >= size
        assert len(kept["notes"]["sha256"]) == 64


def test_a_change_of_ten_thousand_fields_stays_within_the_limit() -> None:
    _, after = change_between(None, {f"field-{number}": number for number in range(10_000)})
    assert json.loads(after).keys() == {"left_out_bytes", "sha256"}
    assert canonical({"b": 1, "a": [True, None]}) == '{"a":[true,null],"b":1}'
