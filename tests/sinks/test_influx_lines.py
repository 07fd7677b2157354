"""Line protocol: whatever a name or a text holds, a reader of the grammar gets the same back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pdm_app.sinks.influx_lines import quoted, tag

WORDS = st.text(max_size=40).filter(lambda words: not any(0xD800 <= ord(sign) <= 0xDFFF for sign in words))


def read_tag(line: str) -> tuple[str, str]:
    """Return the value of the only tag of ``m,k=…`` and what follows it, by the documented grammar."""
    found, rest = "", line.removeprefix("m,k=")
    while rest:
        if rest[0] == "\\" and rest[1:2] in (",", "=", " "):
            found, rest = found + rest[1], rest[2:]
        elif rest[0] in ", ":
            break
        else:
            found, rest = found + rest[0], rest[1:]
    return found, rest


def read_text(words: str) -> tuple[str, str]:
    """Return a quoted text and what follows it."""
    assert words[0] == '"'
    found, rest = "", words[1:]
    while rest[0] != '"':
        if rest[0] == "\\" and rest[1] in ('"', "\\"):
            rest = rest[1:]
        found, rest = found + rest[0], rest[1:]
    return found, rest[1:]


@given(WORDS)
def test_a_tag_reads_back_as_it_was_but_for_line_ends_and_a_last_backslash(words: str) -> None:
    found, rest = read_tag(f"m,k={tag(words)} quality=0i 1")
    wanted = re.sub(r"[\r\n\x00]+", " ", words)
    assert found == (wanted[:-1] + "_" if wanted.endswith("\\") else wanted)
    assert rest == " quality=0i 1"


@given(WORDS)
def test_a_text_reads_back_as_it_was(words: str) -> None:
    found, rest = read_text(f"{quoted(words)} 1")
    assert found == words.replace("\x00", "")
    assert rest == " 1"
