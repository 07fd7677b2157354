/* Runs laid over each other, each counted from its beginning, with the band of the golden ones. */
import { useState } from "react";
import { Field } from "./form_parts.jsx";
import { duration, exact, unitSymbol } from "./format.js";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";

const WIDTH = 1000, HEIGHT = 260;

export function RunOverlay({ runs, of }) {
  const { answer: signals } = useQuery("signals.list", of ? { asset_id: of.asset_id } : null);
  const drawn = (signals ?? []).filter((signal) => signal.data_type !== "text");
  const [picked, setPicked] = useState(null);
  const signal = drawn.find((each) => each.id === picked) ?? drawn.find((each) => of?.signals.includes(each.id)) ?? drawn[0];
  const { answer, error, again } = useQuery("batches.series", signal ? { runs, signal: signal.id } : null);
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("batches.overlay")}</h2>
        {drawn.length > 0 && (
          <Field as="select" label={t("batches.signal")} value={signal?.id ?? ""} onChange={(event) => setPicked(Number(event.target.value))}>
            {drawn.map((each) => <option key={each.id} value={each.id}>{each.label}</option>)}
          </Field>
        )}
      </header>
      {error && !answer && <ErrorNote what={t("batches.failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={HEIGHT} />}
      {answer && <Lines series={answer} unit={unitSymbol(signal?.unit ?? "1")} />}
    </section>
  );
}

/** Points of a line, cut where nothing is known. */
function pathOf(values, x, y) {
  let path = "";
  let pen = "M";
  values.forEach((value, step) => {
    if (value === null) { pen = "M"; return; }
    path += `${pen}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  });
  return path;
}

function bandOf(series, x, y) {
  const known = series.band_low.map((low, step) => ({ low, high: series.band_high[step], step })).filter((each) => each.low !== null);
  if (known.length === 0) return "";
  const there = known.map((each) => `${x(each.step).toFixed(1)} ${y(each.high).toFixed(1)}`);
  const back = known.reverse().map((each) => `${x(each.step).toFixed(1)} ${y(each.low).toFixed(1)}`);
  return `M${[...there, ...back].join("L")}Z`;
}

function Lines({ series, unit }) {
  const all = [...series.runs.flatMap((run) => run.mean), ...series.band_low, ...series.band_high].filter((value) => value !== null);
  if (all.length === 0) return <p className="muted">{t("batches.overlay_empty")}</p>;
  const low = Math.min(...all), high = Math.max(...all);
  const span = high - low || 1;
  const steps = Math.max(1, series.at_s.length - 1);
  const x = (step) => (step / steps) * WIDTH;
  const y = (value) => HEIGHT - ((value - low) / span) * HEIGHT;
  const whole = (series.at_s.at(-1) ?? 0) + series.every_s;
  return (
    <figure className="run-overlay">
      <div className="caption">{exact(high)} {unit}</div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t("batches.overlay_of", { count: series.runs.length })}>
        <path className="run-band" d={bandOf(series, x, y)} />
        {series.runs.map((run, place) => (
          <path key={run.run_id} className="run-line" data-golden={run.is_golden} style={{ stroke: `var(--c${(place % 6) + 1})` }} d={pathOf(run.mean, x, y)} vectorEffect="non-scaling-stroke" />
        ))}
      </svg>
      <div className="caption">{exact(low)} {unit}, {t("batches.from_start", { span: duration(whole) })}</div>
      <ul className="run-legend">
        {series.runs.map((run, place) => (
          <li key={run.run_id} className="caption"><span className="run-key" style={{ background: `var(--c${(place % 6) + 1})` }} /> {run.name}{run.is_golden && `, ${t("batches.golden")}`}, {duration(run.duration_s)}</li>
        ))}
        {series.band_runs.length > 0 && <li className="caption">{t("batches.band_of", { count: series.band_runs.length })}</li>}
      </ul>
    </figure>
  );
}
