"""LDAP's bytes: filters that go out and come back the same, and bytes of anybody that never do worse than a refusal."""

from hypothesis import given
from hypothesis import strategies as st

from pdm_app.directories.ber import BerError, Reader, integer, octets, tlv
from pdm_app.directories.ldap_filters import FilterError, all_of, any_of, equals, parse
from pdm_app.directories.ldap_messages import entry, opened, result


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_comes_back(number: int) -> None:
    assert Reader(integer(number)).number() == number


@given(st.binary(max_size=70_000))
def test_bytes_of_any_length_come_back(content: bytes) -> None:
    reader = Reader(tlv(0x30, octets(content)))
    assert Reader(reader.take(0x30)).take(0x04) == content
    assert reader.is_at_end


@given(st.binary(max_size=300))
def test_noise_is_refused_and_never_more(noise: bytes) -> None:
    for read in (opened, result, entry):
        try:
            read(noise)
        except BerError:
            pass


@given(st.text(max_size=100))
def test_a_value_is_data_whatever_it_holds(value: str) -> None:
    content = value.encode("utf-8", "surrogatepass")
    encoded = all_of(parse("(objectClass=person)"), any_of(equals("uid", content), equals("mail", content)))
    both = Reader(encoded).take(0xA0)
    reader = Reader(both)
    assert reader.next()[0] == 0xA3
    either = Reader(reader.take(0xA1))
    for attribute in (b"uid", b"mail"):
        comparison = Reader(either.take(0xA3))
        assert (comparison.take(0x04), comparison.take(0x04)) == (attribute, content)
    assert reader.is_at_end


def test_filters_are_encoded_as_the_standard_has_them() -> None:
    assert parse("(uid=ada)") == bytes.fromhex("a30a0403756964040361 6461".replace(" ", ""))
    assert parse("(uid=*)") == bytes.fromhex("8703756964")
    assert parse(r"(cn=a\2ab)") == tlv(0xA3, octets("cn"), octets("a*b"))
    assert parse("(cn=a*b*c)") == tlv(
        0xA4, octets("cn"), tlv(0x30, octets("a", 0x80), octets("b", 0x81), octets("c", 0x82))
    )
    assert parse("(!(n>=1))") == tlv(0xA2, tlv(0xA5, octets("n"), octets("1")))
    assert parse("(cn:dn:2.4.6:=x)") == tlv(
        0xA9, octets("2.4.6", 0x81), octets("cn", 0x82), octets("x", 0x83), tlv(0x84, b"\xff")
    )


@given(st.text(alphabet="()&|!=*~<>:\\a1 ", max_size=40))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        encoded = parse(text)
    except FilterError:
        return
    assert Reader(encoded).next()
