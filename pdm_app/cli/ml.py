"""`ml`: train models on tables, score tables with them, and judge the product's models on public data."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import GRAPH_BYTES_MAX, TRAINING_ROWS_MAX, DetectorKind, ModelCard
from pdm_app.domain.thresholds import ThresholdRule, VerdictRule

if TYPE_CHECKING:
    from pdm_app.inference.signal_tables import SignalTable
    from pdm_app.inference.training import Model

ml = typer.Typer(name="ml", no_args_is_help=True, help="Models: train, score, judge on public data, hand on.")
evaluate = typer.Typer(name="evaluate", no_args_is_help=True, help="Judge the models on public data sets.")
ml.add_typer(evaluate)

FIT_ROWS = 400

Table = Annotated[Path, typer.Argument(help="A CSV file: a column of times, then numbers; commas or semicolons.")]
Kind = Annotated[DetectorKind, typer.Option("--detector", help="How usual is told from unusual.")]
Rule = Annotated[ThresholdRule, typer.Option("--threshold", help="How the threshold is found.")]
Ignored = Annotated[list[str] | None, typer.Option("--ignore", help="A column to leave out; may be repeated.")]
DataFolder = Annotated[Path, typer.Option("--data", help="The folder of the data set.")]


@ml.command()
def train(
    table: Table,
    model_file: Annotated[Path, typer.Argument(help="Where the model is to be written.")],
    detector: Kind = DetectorKind.ENSEMBLE,
    threshold: Rule = ThresholdRule.HELD_OUT,
    name: Annotated[str, typer.Option(help="What the model is called; the file's name if empty.")] = "",
    ignore: Ignored = None,
) -> None:
    """Train a model on all rows of a table of a normal period: the last third is held out to find the threshold."""
    from pdm_app.inference.model_files import write_model

    rows = _signals(table, ignore, TRAINING_ROWS_MAX)
    model = _trained(name or model_file.stem, rows, detector, VerdictRule(rule=threshold))
    write_model(model, model_file)
    _say_card(model.card)
    typer.echo(f"Written: {model_file}")


@ml.command()
def score(
    table: Table,
    out: Annotated[Path, typer.Argument(help="Where row,score,anomaly and the signals' shares are to be written.")],
    fit_rows: Annotated[
        int | None,
        typer.Option("--fit-rows", min=1, help=f"Rows at the beginning to learn from; {FIT_ROWS} if not said."),
    ] = None,
    fit: Annotated[Path | None, typer.Option("--fit", help="Learn from all rows of this table instead.")] = None,
    model_file: Annotated[Path | None, typer.Option("--model", help="Learn nothing: score with this model.")] = None,
    detector: Kind = DetectorKind.ENSEMBLE,
    threshold: Rule = ThresholdRule.HELD_OUT,
    ignore: Ignored = None,
) -> None:
    """Score the rows behind the fitted ones, each from itself and earlier rows alone. A score of 1 is the threshold."""
    from pdm_app.inference.model_files import read_model
    from pdm_app.inference.scoring import Scorer
    from pdm_app.inference.sessions import load
    from pdm_app.inference.training import fitted_rows

    if sum(choice is not None for choice in (fit_rows, fit, model_file)) > 1:
        raise InvalidInputError("--fit-rows, --fit and --model exclude each other: name one of them.")
    if model_file is not None:
        model, start = read_model(model_file), 0
        rows = _signals(table, ignore).only(model.card.signals)
        scorer = Scorer(model.card, load(model.card, model.graph))
    elif fit is not None:
        usual = _signals(fit, ignore, TRAINING_ROWS_MAX)
        model, start = _trained(fit.stem, usual, detector, VerdictRule(rule=threshold)), 0
        rows = _signals(table, ignore).only(model.card.signals)
        scorer = Scorer(model.card, load(model.card, model.graph))
    else:
        start = FIT_ROWS if fit_rows is None else fit_rows
        rows = _signals(table, ignore, start)
        if len(rows.values) <= start:
            raise InvalidInputError(f"'{table.name}' has {len(rows.values)} rows, and {start} are to be learned from.")
        usual = _head(rows, start)
        model = _trained(table.stem, usual, detector, VerdictRule(rule=threshold))
        scorer = Scorer(model.card, load(model.card, model.graph))
        split = fitted_rows(start)
        scorer.remember(usual.values[:split], follows=False)
        scorer.remember(usual.values[split:], follows=True)
    scores, alarmed = scorer.score(rows.values[start:])
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(["row", "score", "anomaly", "confidence", *(f"share_{signal}" for signal in rows.names)])
            for place, (value, is_on) in enumerate(zip(scores.score.tolist(), alarmed.tolist(), strict=True)):
                lines.writerow([
                    start + place, "" if value != value else f"{value:.6g}", int(is_on),
                    "" if value != value else f"{scores.confidence[place]:.4f}",
                    *(f"{share:.4f}" for share in scores.contribution[place]),
                ])  # fmt: skip
    except OSError as error:
        raise InvalidInputError(f"'{out}' was not written: {error.strerror or error}.") from error
    typer.echo(f"{len(alarmed):,} rows scored, {int(alarmed.sum()):,} of them in alarm. Written: {out}")


@ml.command()
def backtest(
    table: Table,
    model_file: Annotated[Path, typer.Argument(help="A model that `ml train` or `ml import` wrote.")],
    label: Annotated[str, typer.Option(help="A column that is not 0 while the machine was unusual in truth.")] = "",
    before_s: Annotated[float, typer.Option(min=0, max=31_536_000, help="Seconds before that an alarm counts.")] = 0.0,
) -> None:
    """Replay a table of the past: alarms, failures seen and missed and forewarning, at seven thresholds."""
    import numpy as np

    from pdm_app.domain.model_replays import failures_of, threshold_range
    from pdm_app.inference.model_files import read_model
    from pdm_app.inference.scoring import Scorer
    from pdm_app.inference.sessions import load

    model = read_model(model_file)
    rows = _signals(table, None)
    unusual = rows.only([label]).values[:, 0] > 0 if label else np.zeros(len(rows.values), dtype=np.bool_)
    scores, _ = Scorer(model.card, load(model.card, model.graph)).score(rows.only(model.card.signals).values)
    typer.echo(
        f"{'threshold':>9} {'alarms':>7} {'false':>6} {'false/month':>12} "
        f"{'seen':>5} {'missed':>7} {'forewarning s':>14}"
    )
    for told in threshold_range(np.log(scores.score), model.card.alarm, failures_of(unusual), rows.row_s, before_s):
        typer.echo(
            f"{np.exp(told.shift):>9.2f} {told.alarms:>7} {told.false_alarms:>6} "
            f"{_number(told.false_per_month, 1):>12} {told.seen:>5} {told.missed:>7} "
            f"{_number(told.forewarning_s, 0):>14}"
        )


@ml.command()
def export(
    model_file: Annotated[Path, typer.Argument(help="A model that `ml train` wrote.")],
    folder: Annotated[Path, typer.Argument(help="Where graph.onnx and card.json are to be written.")],
) -> None:
    """Take a model apart: an ONNX graph that any runtime can run, and the card that says what it was made of."""
    from pdm_app.inference.model_files import CARD, GRAPH, read_model

    model = read_model(model_file)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / GRAPH).write_bytes(model.graph)
        (folder / CARD).write_text(model.card.model_dump_json(indent=2), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"Nothing was written to '{folder}': {error.strerror or error}.") from error
    typer.echo(f"Written: {folder / GRAPH}, {folder / CARD}")


@ml.command("import")
def take_in(
    graph: Annotated[Path, typer.Argument(help="An ONNX graph: 'window' in, 'score' and 'contribution' out.")],
    table: Annotated[Path, typer.Argument(help="A table of a normal period; its columns are the graph's signals.")],
    model_file: Annotated[Path, typer.Argument(help="Where the model is to be written.")],
    ignore: Ignored = None,
) -> None:
    """Take in somebody else's graph: tried in a process with limits, its threshold found on a normal period."""
    from pdm_app.inference.foreign import validate
    from pdm_app.inference.model_files import write_model
    from pdm_app.inference.training import adopt

    try:
        with graph.open("rb") as file:
            content = file.read(GRAPH_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidInputError(f"'{graph}' cannot be read: {error.strerror or error}.") from error
    validate(content)
    rows = _whole(table.stem, _signals(table, ignore))
    model = adopt(model_file.stem[:120], rows.names, rows.values, content, row_s=rows.row_s)
    write_model(model, model_file)
    _say_card(model.card)
    typer.echo(f"Written: {model_file}")


@ml.command("show")
def show(model_file: Annotated[Path, typer.Argument(help="A model that `ml train` wrote.")]) -> None:
    """Check a model's file (hash, shape, probe) and print its card."""
    from pdm_app.inference.model_files import read_model

    _say_card(read_model(model_file).card)


@evaluate.command()
def skab(
    data: DataFolder,
    detector: Annotated[list[DetectorKind] | None, typer.Option("--detector", help="May be repeated.")] = None,
) -> None:
    """Judge detectors on the Skoltech Anomaly Benchmark beside the published table."""
    from pdm_app.inference.skab import CONFIGURATIONS_TRIED, PUBLISHED, SkabOutcome, always_on
    from pdm_app.inference.skab import evaluate as judged

    def line(outcome: SkabOutcome) -> str:
        figures = outcome.figures
        return (
            f"{outcome.name:<18} {_number(figures.f1, 3):>6} {_percent(figures.false_alarm_rate):>6} "
            f"{_percent(figures.missed_rate):>6} {figures.seen:>4}/{figures.events:<3} "
            f"{_number(figures.delay_rows, 0):>8} {_percent(outcome.usual_alarmed, 2):>8}"
        )

    typer.echo(f"{'':<18} {'F1':>6} {'FAR %':>6} {'MAR %':>6} {'events':>8} {'delay s':>8} {'usual %':>8}")
    for kind in detector or [DetectorKind.ENSEMBLE]:
        typer.echo(line(judged(data, kind)))
    typer.echo(line(always_on(data)))
    typer.echo("\nPublished, over all 34 experiments:")
    for name, f1, false_alarms, missed in PUBLISHED:
        typer.echo(f"{name:<18} {f1:>6.3f} {false_alarms:>6.1f} {missed:>6.1f}")
    typer.echo(
        "\nOne configuration for all experiments, no label used, 400 rows each to learn from; usual %: alarmed rows\n"
        f"of the run without a fault, after 4,000 rows. About {CONFIGURATIONS_TRIED} configurations were tried\n"
        "on 19 of the experiments before this one was kept."
    )


@evaluate.command()
def cmapss(data: DataFolder) -> None:
    """Judge remaining useful life on NASA's C-MAPSS FD001: engines 81 to 100, held out, each cut fifty times."""
    from pdm_app.inference.cmapss import CONFIGURATIONS_TRIED, MEASURED_BEFORE
    from pdm_app.inference.cmapss import evaluate as judged

    typer.echo(f"{'':<16} {'RMSE':>6} {'PHM score':>12} {'in 90 %':>8} {'width':>6}")
    for name, figures in zip(("boosted trees", "always 125"), judged(data), strict=True):
        typer.echo(
            f"{name:<16} {figures.rmse:>6.2f} {figures.phm_score:>12,.0f} {_percent(figures.coverage):>7}% "
            f"{figures.width:>6.1f}"
        )
    for name, rmse in MEASURED_BEFORE:
        typer.echo(f"{name:<16} {rmse:>6.2f}   (measured earlier on the same engines)")
    typer.echo(
        f"\nCycles, true life capped at 125, {figures.cuts} cuts; the interval is from the 5th to the 95th percentile. "
        f"{CONFIGURATIONS_TRIED} settings were tried."
    )


@evaluate.command()
def faults(
    seed: Annotated[int | None, typer.Option(min=0, help="Of the demo plant; its own if not said.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="A fault by its key; may be repeated.")] = None,
) -> None:
    """Judge the diagnosis on the demo plant's faults: is the right signal named first, and what is it called."""
    from pdm_app.cli.fault_scripts import SCRIPTS, outcomes
    from pdm_app.simulation.physics.noise import SEED

    unknown = sorted(set(only or []) - {script.key for script in SCRIPTS})
    if unknown:
        raise InvalidInputError(f"There is no fault {unknown[0]!r}; known are {', '.join(s.key for s in SCRIPTS)}.")
    typer.echo(f"{'fault':<19} {'machine':<8} {'alarm after':>11} {'dismissed':>9}  {'named first':<33} called")
    told = []
    for outcome in outcomes(only or (), SEED if seed is None else seed):
        told.append(outcome)
        after = "-" if outcome.alarm_after_s is None else f"{outcome.alarm_after_s / 3600:.1f} h"
        wrong = ("" if outcome.is_first_right else " (another)"), ("" if outcome.is_finding_right else " (another)")
        sensor = "" if outcome.diagnosis.sensor is None else f", {outcome.diagnosis.sensor}"
        typer.echo(
            f"{outcome.script.key:<19} {outcome.script.asset:<8} {after:>11} {outcome.dismissed:>9}  "
            f"{outcome.named_first + wrong[0]:<33} {outcome.diagnosis.finding}{sensor}{wrong[1]}"
        )
    first, called = sum(one.is_first_right for one in told), sum(one.is_finding_right for one in told)
    typer.echo(
        f"Of {len(told)} faults the signal was named first in {first} ({100 * first / len(told):.0f} %), "
        f"and {called} were called what they are."
    )


def _signals(path: Path, ignore: list[str] | None, learned: int = 0) -> "SignalTable":
    """Read a table and leave out what was named and what does not change in the rows to be learned from.

    Of a signal that never moved no spread is known: its first move would be infinitely odd. Labels are of this kind.
    """
    from pdm_app.inference.signal_tables import read_signal_table

    table = read_signal_table(path)
    unknown = sorted(set(ignore or []) - set(table.names) - set(table.skipped))
    if unknown:
        raise InvalidInputError(
            f"'{path.name}' has no column {unknown[0]!r} to ignore; it has {', '.join(table.names)}."
        )
    if table.skipped:
        typer.echo(f"'{path.name}': left out, for they hold no numbers: {', '.join(table.skipped)}.", err=True)
    if table.unreadable:
        typer.echo(f"'{path.name}': {table.unreadable} cells are no numbers and count as missing.", err=True)
    kept = [name for name in table.names if name not in (ignore or [])]
    if learned:
        still = [
            name for name in kept
            if not _changes(table.values[:learned, table.names.index(name)].tolist())
        ]  # fmt: skip
        if still:
            typer.echo(f"'{path.name}': left out, for they do not change while learning: {', '.join(still)}.", err=True)
        kept = [name for name in kept if name not in still]
    if not kept:
        raise InvalidInputError(f"No column of '{path.name}' is left to learn from.")
    return table.only(kept)


def _changes(values: list[float]) -> bool:
    told = [value for value in values if value == value]
    return bool(told) and min(told) != max(told)


def _head(table: "SignalTable", rows: int) -> "SignalTable":
    from dataclasses import replace

    return replace(table, values=table.values[:rows])


def _trained(name: str, table: "SignalTable", kind: DetectorKind, alarm: VerdictRule) -> "Model":
    from pdm_app.inference.training import DETECTORS
    from pdm_app.inference.training import train as made

    if kind not in DETECTORS:
        raise InvalidInputError(f"A {kind} model is imported, not trained; choose {', '.join(DETECTORS)}.")
    rows = _whole(name, table)
    return made(name[:120], rows.names, rows.values, DETECTORS[kind](), alarm, rows.row_s)


def _whole(name: str, table: "SignalTable") -> "SignalTable":
    """Leave out rows that lack a value: nothing is learned from what was not measured."""
    from dataclasses import replace

    import numpy as np

    whole = np.isfinite(table.values).all(axis=1)
    if not whole.all():
        typer.echo(f"'{name}': {int((~whole).sum())} rows with missing values are not learned from.", err=True)
    return replace(table, values=table.values[whole])


def _say_card(card: ModelCard) -> None:
    typer.echo(
        f"{card.name}: {card.kind}, {len(card.signals)} signals, windows of {card.window_rows} rows of {card.row_s:g} s"
    )
    typer.echo(
        f"Fitted on {card.fitted_rows:,} rows, threshold from {card.held_out_rows:,} later ones ({card.alarm.rule})."
    )
    typer.echo(f"Signals: {', '.join(card.signals)}")
    typer.echo(f"SHA-256 of the graph: {card.graph_sha256}")
    if card.alarm.rule is ThresholdRule.CLASSIC:
        typer.echo("The threshold is the 99th percentile of the fitted rows themselves: expect many false alarms.")


def _percent(share: float | None, decimals: int = 1) -> str:
    return "-" if share is None else f"{100 * share:.{decimals}f}"


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
