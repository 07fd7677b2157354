"""Templates of messages, which belong to the whole installation: who sees some sites alone finds and changes none."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.notice_words import NoticeTemplate
from pdm_app.storage import dialect
from pdm_app.storage.notice_tables import NoticeTemplateRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

TEMPLATES = table_of(NoticeTemplateRow)


class SqlNoticeTemplates(Repository):
    async def all(self) -> Sequence[NoticeTemplate]:
        if self._is_limited:
            return []
        statement = select(*columns_of(NoticeTemplate, TEMPLATES)).order_by(TEMPLATES.c.id)
        found = await self._transaction.rows(statement, "read templates of messages")
        return [NoticeTemplate.model_validate(row) for row in found]

    async def put(self, template: NoticeTemplate) -> None:
        """Keep the template of a channel in a language.

        Raises:
            NotFoundError: The scope is limited to some sites.
        """
        if self._is_limited:
            raise NotFoundError("There are no templates of messages in your sites.")
        statement = dialect.upsert(TEMPLATES, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "store a template", [template.model_dump(mode="json")])

    async def remove(self, template_id: str) -> bool:
        if self._is_limited:
            return False
        statement = delete(TEMPLATES).where(TEMPLATES.c.id == template_id)
        return await self._transaction.write(statement, "delete a template") > 0

    @property
    def _is_limited(self) -> bool:
        return self._transaction.scope.sites is not None
