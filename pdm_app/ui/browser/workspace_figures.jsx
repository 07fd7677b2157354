/* Figures between the two marks, or over all that is shown where there are none. */
import { clock, day, duration, number } from "./format.js";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { measure } from "./units_shown.js";
import { figuresOf, keyOf } from "./workspace_state.js";

/** Of signals the server reckons them from every sample; of expressions they come from the points drawn. */
function useFigures(list, found, [from, to], both, records) {
  const signals = list.filter((series) => series.signal).map((series) => series.signal);
  const isAsked = signals.length > 0 && to > from;
  const { answer: whole } = useQuery("history.aggregate", isAsked ? { signals, start_at: from, end_at: to } : null);
  const { answer: atA } = useQuery("history.at", isAsked && both ? { signals, at: from } : null);
  const { answer: atB } = useQuery("history.at", isAsked && both ? { signals, at: to } : null);
  const valueOf = (answer, signal, drawn) => {
    const value = answer?.values.find((one) => one.signal === signal)?.value;
    return typeof value === "number" ? measure(records.get(signal), value) : drawn;
  };
  return (series) => {
    const drawn = figuresOf(found.get(keyOf(series)).columns, from, to);
    const mine = series.signal ? whole?.series.find((one) => one.signal === series.signal) : null;
    if (!mine) return drawn;
    const shown = (value) => measure(records.get(series.signal), value);
    return {
      a: valueOf(both ? atA : null, series.signal, drawn.a), b: valueOf(both ? atB : null, series.signal, drawn.b),
      low: shown(mine.low[0]), high: shown(mine.high[0]), mean: shown(mine.average[0]), known: (mine.known_s[0] * 1e6) / (to - from),
    };
  };
}

export function WorkspaceFigures({ list, records, found, marks, settled, named, unitOf, decimalsOf, zone }) {
  const both = marks.a !== null && marks.b !== null;
  const bounds = both ? [marks.a, marks.b] : [settled?.from ?? 0, settled?.to ?? 0];
  const figuresFor = useFigures(list, found, bounds, both, records);
  if (!list.some((series) => found.get(keyOf(series)).columns[0].length)) return null;
  const when = (at) => `${day(at, zone)} ${clock(at, zone)}`;
  return (
    <div className="table-scroll">
      <table className="table workspace-figures">
        <caption className="caption">{both ? t("trends.between", { span: duration((marks.b - marks.a) / 1e6), a: when(marks.a), b: when(marks.b) }) : t("trends.over_all")}</caption>
        <thead>
          <tr>
            <th>{t("asset.signal")}</th><th>{t("signals.field.unit")}</th>
            <th className="right">A</th><th className="right">B</th><th className="right">B − A</th>
            <th className="right">{t("trend.minimum")}</th><th className="right">{t("trend.mean")}</th><th className="right">{t("trend.maximum")}</th><th className="right">{t("trends.known")}</th>
          </tr>
        </thead>
        <tbody>
          {list.map((series) => {
            const figures = figuresFor(series);
            const say = (value) => (value === null ? "–" : number(value, decimalsOf(series)));
            const rise = figures.a === null || figures.b === null ? null : figures.b - figures.a;
            return (
              <tr key={keyOf(series)} style={{ "--series": `var(--c${series.colour})` }}>
                <td><span className="workspace-dash" aria-hidden="true" /> {named(series)}</td>
                <td>{unitOf(series)}</td>
                <td className="right">{say(figures.a)}</td><td className="right">{say(figures.b)}</td>
                <td className="right strong">{rise > 0 ? "+" : ""}{say(rise)}</td>
                <td className="right">{say(figures.low)}</td><td className="right">{say(figures.mean)}</td><td className="right">{say(figures.high)}</td>
                <td className="right">{number(figures.known * 100, 1)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="caption">{t("trends.figures_hint")}</p>
    </div>
  );
}
