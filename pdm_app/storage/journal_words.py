"""Searches the alarm journal by words, which takes as long in ten million entries as in a thousand.

`keep` is called with the words of entries as they are stored, `newest` finds a page, `catch_up` keeps the words of
entries that an earlier release has stored. Entries of the same words share a text: of a rule all raisings do. A word is
looked for among the words there are, its texts through a table of pairs, their entries through an index in the order
of a page. What nearly every entry says is found in the newest ones, without any of this.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, false, func, or_, select, union_all, update
from sqlalchemy.sql import Select

from pdm_app.domain.alarms import JournalEntry
from pdm_app.domain.journal_words import are_in, number_of, terms_of, words_of
from pdm_app.storage import dialect
from pdm_app.storage.journal_tables import JournalTextRow, JournalTextWordRow, JournalWordRow
from pdm_app.storage.repository import KEYS_PER_QUERY, Transaction, chunks, columns_of
from pdm_app.storage.tables import JournalRow, table_of

JOURNAL = table_of(JournalRow)
TEXTS = table_of(JournalTextRow)
WORDS = table_of(JournalWordRow)
PAIRS = table_of(JournalTextWordRow)
LOOKED_AT = 1_000
"""So many of the newest entries are read before the words are asked: what is frequent fills its page from them."""
WALKED_MAX = 40_000
"""So many of the newest entries are looked through for words that stand in many of them."""
TEXTS_APART_MAX = 32
"""Of so many texts the newest entries of each are taken; more are read together and sorted."""
TEXTS_NAMED_MAX = 5_000
"""More are left to the database to find once again, instead of being named."""
WHAT = "search the alarm journal"

Words = frozenset[str]


async def keep(transaction: Transaction, texts: Collection[Words]) -> None:
    """Have the words of these texts found from now on; those that are kept already cost one look."""
    by_number = {number_of(words): words for words in texts}
    known: set[int] = set()
    for some in chunks(sorted(by_number), KEYS_PER_QUERY):
        statement = select(TEXTS.c.id).where(TEXTS.c.id.in_(some))
        known |= {row["id"] for row in await transaction.rows(statement, WHAT)}
    # In the order of the keys: of two processes that keep the same words, one waits for the other and none for ever.
    new = sorted(set(by_number) - known)
    if not new:
        return
    words = {number_of(word): word for number in new for word in by_number[number]}
    pairs = sorted((number_of(word), number) for number in new for word in by_number[number])
    given: tuple[tuple[Any, list[dict[str, Any]]], ...] = (
        (WORDS, [{"id": number, "word": words[number]} for number in sorted(words)]),
        (PAIRS, [{"word_id": word, "text_id": number} for word, number in pairs]),
        (TEXTS, [{"id": number} for number in new]),
    )
    for table, rows in given:
        if rows:
            statement_of = dialect.insert_new(table, is_sqlite=transaction.is_sqlite)
            await transaction.write(statement_of, "keep the words of the alarm journal", rows)


def words_of_entry(row: Mapping[str, Any]) -> Words:
    """Return the words by which an entry is found."""
    return words_of(row["name"], row["comment"], row["actor"])


async def newest(
    transaction: Transaction, text: str, conditions: Sequence[ColumnElement[bool]], limit: int
) -> list[JournalEntry]:
    """Return the newest entries in scope that hold the words, and keep to the conditions."""
    terms = terms_of(text)
    if not terms:
        return []
    looked_at = max(limit, LOOKED_AT)
    seen = await transaction.rows(_page(transaction, conditions, looked_at), WHAT)
    found = [row for row in seen if are_in(terms, words_of_entry(row))]
    if len(found) < limit and len(seen) == looked_at:
        # As many more as a page takes where the words go on to stand in entries as often as in those just seen.
        walked = looked_at * limit * 3 // (2 * len(found)) if found else WALKED_MAX + 1
        found = await _among_newest(transaction, terms, conditions, limit, walked)
        found = found if len(found) == limit else await _by_words(transaction, terms, conditions, limit)
    return [JournalEntry.model_validate(row) for row in found[:limit]]


async def holds(transaction: Transaction, text: str) -> ColumnElement[bool]:
    """Return the condition that an entry holds the words."""
    terms = terms_of(text)
    if not terms:
        return false()
    return _spelt(terms) if await _lags(transaction) else JOURNAL.c.text_id.in_(_texts_of(terms))


async def catch_up(transaction: Transaction, rows_max: int) -> int:
    """Keep the words of the newest entries without; return of how many, 0 when all have theirs."""
    statement = (
        select(JOURNAL.c.id, JOURNAL.c.name, JOURNAL.c.comment, JOURNAL.c.actor)
        .where(JOURNAL.c.text_id.is_(None), transaction.covers(JOURNAL.c.site_id))
        .order_by(JOURNAL.c.at.desc(), JOURNAL.c.id.desc())
        .limit(rows_max)
    )
    rows = await transaction.rows(statement, "read the alarm journal")
    if not rows:
        return 0
    words = {row["id"]: words_of_entry(row) for row in rows}
    await transaction.begin_writing()
    await keep(transaction, set(words.values()))
    changed = update(JOURNAL).where(JOURNAL.c.id == bindparam("old_id")).values(text_id=bindparam("number"))
    given = [{"old_id": entry_id, "number": number_of(words[entry_id])} for entry_id in sorted(words)]
    await transaction.write(changed, "keep the words of the alarm journal", given)
    return len(rows)


async def _by_words(
    transaction: Transaction, terms: Sequence[str], conditions: Sequence[ColumnElement[bool]], limit: int
) -> list[dict[str, Any]]:
    if await _lags(transaction):
        return await transaction.rows(_page(transaction, [*conditions, _spelt(terms)], limit), WHAT)
    numbered = _texts_of(terms).distinct().limit(TEXTS_NAMED_MAX + 1)
    texts = [row["text_id"] for row in await transaction.rows(numbered, WHAT)]
    if not texts:
        return []
    if len(texts) > TEXTS_NAMED_MAX:
        among = [JOURNAL.c.text_id.in_(_texts_of(terms)), *conditions]
        return await transaction.rows(_page(transaction, among, limit, by_text=True), WHAT)
    if len(texts) > TEXTS_APART_MAX:
        among = [JOURNAL.c.text_id.in_(texts), *conditions]
        return await transaction.rows(_page(transaction, among, limit, by_text=True), WHAT)
    each = [
        _ordered(_by_text(select(JOURNAL.c.id, JOURNAL.c.at).where(JOURNAL.c.text_id == text, *conditions)))
        .where(transaction.shows(JOURNAL))
        .limit(limit)
        .subquery()
        for text in texts
    ]
    joined = union_all(*(select(one.c.id, one.c.at) for one in each)).subquery()
    first = select(joined.c.id).order_by(joined.c.at.desc(), joined.c.id.desc()).limit(limit)
    return await _entries(transaction, first)


async def _among_newest(
    transaction: Transaction, terms: Sequence[str], conditions: Sequence[ColumnElement[bool]], limit: int, walked: int
) -> list[dict[str, Any]]:
    """Return what the newest so many entries have; nothing where that is too far or the words of some are not kept."""
    if walked > WALKED_MAX or await _lags(transaction):
        return []
    columns = (JOURNAL.c.id, JOURNAL.c.at, JOURNAL.c.text_id)
    newest = _ordered(select(*columns).where(transaction.shows(JOURNAL), *conditions)).limit(walked).subquery()
    fitting = select(newest.c.id).where(newest.c.text_id.in_(_texts_of(terms)))
    return await _entries(transaction, fitting.order_by(newest.c.at.desc(), newest.c.id.desc()).limit(limit))


async def _entries(transaction: Transaction, wanted: Select[Any]) -> list[dict[str, Any]]:
    """Return the entries whose ids a query returns, newest first."""
    rows: list[dict[str, Any]] = []
    for some in chunks([row["id"] for row in await transaction.rows(wanted, WHAT)], KEYS_PER_QUERY):
        statement = select(*columns_of(JournalEntry, JOURNAL)).where(JOURNAL.c.id.in_(some))
        rows += await transaction.rows(statement, WHAT)
    return sorted(rows, key=lambda row: (row["at"], row["id"]), reverse=True)


async def _lags(transaction: Transaction) -> bool:
    """Whether there are entries whose words are not kept yet."""
    return bool(await transaction.rows(select(JOURNAL.c.id).where(JOURNAL.c.text_id.is_(None)).limit(1), WHAT))


def _texts_of(terms: Sequence[str]) -> Select[Any]:
    """Return the query of the texts in which each term stands."""
    first, *others = (
        select(PAIRS.c.text_id)
        .join(WORDS, WORDS.c.id == PAIRS.c.word_id)
        .where(WORDS.c.word.contains(term, autoescape=True))
        # The rarest is most often the longest: it is asked first, and the others among what it found.
        for term in sorted(terms, key=len, reverse=True)
    )
    return first.where(*(PAIRS.c.text_id.in_(other) for other in others))


def _spelt(terms: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition in the database's own notion of case, which reads every entry."""
    columns = (JOURNAL.c.name, JOURNAL.c.comment, JOURNAL.c.actor)
    return and_(*(or_(*(func.lower(each).contains(term, autoescape=True) for each in columns)) for term in terms))


def _page(
    transaction: Transaction, conditions: Sequence[ColumnElement[bool]], limit: int, *, by_text: bool = False
) -> Select[Any]:
    statement = select(*columns_of(JournalEntry, JOURNAL)).where(transaction.shows(JOURNAL), *conditions)
    return _ordered(_by_text(statement) if by_text else statement).limit(limit)


def _ordered(statement: Select[Any]) -> Select[Any]:
    return statement.order_by(JOURNAL.c.at.desc(), JOURNAL.c.id.desc())


def _by_text(statement: Select[Any]) -> Select[Any]:
    """Have both databases take the index of texts: left to choose, each walks the whole journal in order of time."""
    hinted = statement.with_hint(JOURNAL, "INDEXED BY ix_alarm_journal_text", "sqlite")
    for name in ("mysql", "mariadb"):
        hinted = hinted.with_hint(JOURNAL, "FORCE INDEX (ix_alarm_journal_text)", name)
    return hinted
