"""Storage rules, by site."""

from collections.abc import Sequence

from pdm_app.domain.storage_rules import StorageRule
from pdm_app.storage.repository import Repository
from pdm_app.storage.storage_rule_tables import StorageRuleRow
from pdm_app.storage.tables import table_of

RULES = table_of(StorageRuleRow)


class SqlStorageRules(Repository):
    """Rules belong to their site."""

    async def all(self) -> Sequence[StorageRule]:
        return await self._find(StorageRule, StorageRuleRow, RULES.c.deleted_at.is_(None), order=("position", "id"))

    async def get(self, rule_id: str) -> StorageRule | None:
        return await self._find_one(StorageRule, StorageRuleRow, RULES.c.id == rule_id)

    async def put(self, rule: StorageRule) -> None:
        await self._put(StorageRuleRow, [rule])
