"""Which words of the journal a search finds: spelling, case and punctuation of no account, parts of words included.

``words_of(name, comment, actor)`` is what is kept of an entry, ``terms_of("P-101 hot")`` what is asked for. An entry is
found where each term stands in it, in any order, as a word or in one. Words are what stands between spaces, so that
Hindi with its marks, German with its compounds and codes such as P-101 are taken as they are written.
"""

import hashlib
import unicodedata
from collections.abc import Collection, Iterator

WORD_MAX = 48
"""Longer words, and sentences of a script without spaces, are kept in pieces of this length."""
TERM_MAX = WORD_MAX // 2
"""Pieces overlap by this: any part of a word that is no longer lies within one of them."""
NUMBER_BITS = 63  # Both databases keep signed eight bytes.


def folded(text: str) -> str:
    """Return a text in the one spelling that is compared: half and full width, case and ß as in casefold."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(*texts: str) -> frozenset[str]:
    """Return the words of an entry, without punctuation around them, each at most `WORD_MAX` characters long."""
    found: set[str] = set()
    for text in texts:
        for word in _bare_words(text):
            found.update(_pieces(word, WORD_MAX, WORD_MAX - TERM_MAX))
    return frozenset(found)


def terms_of(text: str) -> tuple[str, ...]:
    """Return what a search asks for, sorted; nothing where there are no words in it, and then nothing is found.

    A term beyond `TERM_MAX` characters is asked for in pieces.
    """
    return tuple(sorted({piece for word in _bare_words(text) for piece in _pieces(word, TERM_MAX, TERM_MAX)}))


def are_in(terms: Collection[str], words: Collection[str]) -> bool:
    """Whether each term stands in some of the words: what every search has to find, said once."""
    return all(any(term in word for word in words) for term in terms)


def number_of(words: str | Collection[str]) -> int:
    """Return the number under which a word, or the words of an entry, are kept: the same in every process.

    Two of a million texts share one with a probability of 1 in 18 million; each would then be found with the other.
    """
    said = words if isinstance(words, str) else " ".join(sorted(words))
    digest = hashlib.blake2b(said.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - NUMBER_BITS)


def _bare_words(text: str) -> Iterator[str]:
    for word in folded(text).split():
        begin, end = 0, len(word)
        while begin < end and _is_punctuation(word[begin]):
            begin += 1
        while begin < end and _is_punctuation(word[end - 1]):
            end -= 1
        if begin < end:
            yield word[begin:end]


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _pieces(word: str, length: int, step: int) -> Iterator[str]:
    """Cut a long word; the last piece reaches its end and is as long as the others."""
    if len(word) <= length:
        yield word
        return
    for begin in range(0, len(word) - length, step):
        yield word[begin : begin + length]
    yield word[-length:]
