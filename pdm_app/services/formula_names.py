"""What the names in a formula mean: assets by code or name, their signals by name."""

from collections import defaultdict
from collections.abc import Sequence

from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.formulas.compiler import Described
from pdm_app.domain.formulas.syntax import FormulaError, Node, Reference, walk
from pdm_app.domain.repositories import Work
from pdm_app.domain.signals import DataType, Shape, Signal


def described(signal: Signal, reference: Reference) -> Described:
    """Return what a formula needs to know of a signal.

    Raises:
        FormulaError: It holds text.
    """
    if signal.data_type is DataType.TEXT:
        raise FormulaError(f"{reference} holds text.", reference.column, "Formulas reckon with numbers.")
    return Described(signal.id, signal.unit, signal.data_type is DataType.BOOLEAN, is_step=signal.shape is Shape.STEP)


def refused(error: FormulaError) -> InvalidInputError:
    """Make the refusal of a formula, with the column as a fact."""
    problem, fix = error.message.rstrip("."), error.fix.rstrip(".")
    issue = FieldIssue("formula", f"column {error.column}: {problem}", fix)
    return InvalidInputError(str(error), [issue], column=error.column)


class Names:
    """What the names in a formula mean to somebody: assets by code or name, their signals by name."""

    @classmethod
    async def of(cls, work: Work, node: Node, home: str | None, site_id: str | None = None) -> "Names":
        """Read the assets that a formula names, of one site where one is given, and no other's signals."""
        named = {part.asset for part in walk(node) if isinstance(part, Reference)}
        assets = [
            asset
            for asset in await work.assets.all()
            if named & {asset.code, asset.name} and site_id in (None, asset.site_id)
        ]
        ids = {asset.id for asset in assets} | ({home} if home is not None and "" in named else set())
        return cls(assets, [signal for asset_id in ids for signal in await work.signals.of_asset(asset_id)], home)

    def __init__(self, assets: Sequence[Asset], signals: Sequence[Signal], home: str | None) -> None:
        self._home = home
        self._assets = assets
        self._of_asset: dict[str, dict[str, Signal]] = defaultdict(dict)
        self._by_number = {signal.id: signal for signal in signals}
        for signal in signals:
            self._of_asset[signal.asset_id][signal.name] = signal

    def describe(self, reference: Reference) -> Described:
        """Return what a formula needs to know of a signal.

        Raises:
            FormulaError: There is none of this name, or several; or it holds text.
        """
        asset_id = self._asset_id(reference)
        signal = self._of_asset[asset_id].get(reference.name)
        if signal is None:
            known = ", ".join(sorted(self._of_asset[asset_id])[:12]) or "no signals"
            raise FormulaError(f"There is no signal {reference}.", reference.column, f"The asset has {known}.")
        return described(signal, reference)

    def is_step(self, number: int) -> bool:
        return self._by_number[number].shape is Shape.STEP

    def _asset_id(self, reference: Reference) -> str:
        if not reference.asset:
            if self._home is None:
                raise FormulaError(
                    f"Of which asset is {reference.name}?", reference.column, f"Write asset.{reference.name}."
                )
            return self._home
        found = [asset for asset in self._assets if reference.asset in (asset.code, asset.name)]
        if len(found) == 1:
            return found[0].id
        if not found:
            raise FormulaError(f"There is no asset {reference.asset}.", reference.column, "Write its code or its name.")
        codes = ", ".join(sorted(asset.code for asset in found))
        raise FormulaError(f"{reference.asset} names several assets.", reference.column, f"Write one of {codes}.")
