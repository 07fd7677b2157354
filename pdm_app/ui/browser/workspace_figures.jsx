/* Figures between the two marks, or over all that is shown where there are none. */
import { clock, day, duration, number } from "./format.js";
import { t } from "./messages.js";
import { figuresOf, keyOf } from "./workspace_state.js";

export function WorkspaceFigures({ list, found, marks, named, unitOf, decimalsOf, zone }) {
  const both = marks.a !== null && marks.b !== null;
  const times = list.flatMap((series) => found.get(keyOf(series)).columns[0]);
  const bounds = both ? [marks.a, marks.b] : [Math.min(...ends(times)) * 1e6, Math.max(...ends(times)) * 1e6];
  if (!times.length) return null;
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
            const figures = figuresOf(found.get(keyOf(series)).columns, ...bounds);
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

/* First and last of the drawn times, without spreading thousands of them over an argument list. */
function ends(times) {
  let low = Infinity;
  let high = -Infinity;
  for (const at of times) {
    low = Math.min(low, at);
    high = Math.max(high, at);
  }
  return [low, high];
}
