/* When alarms come: weekday by hour. Shade says how many an hour; the number stands in the cell, and all of it in words. */
import { useState } from "react";
import { number } from "./format.js";
import { levelOf, ratesOf, weekdayName } from "./alarm_heat.js";
import { t } from "./messages.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const two = (hour) => String(hour).padStart(2, "0");

export function AlarmHeat({ heat }) {
  const [pointed, setPointed] = useState(null); // {day, hour}
  const { rates, most, worst } = ratesOf(heat);
  const shown = pointed ?? worst;
  const words = ({ day, hour }) => t("kpi.heat_cell", {
    day: weekdayName(day, "long"), from: two(hour), to: two((hour + 1) % 24), count: heat.counts[day][hour],
    rate: rates[day][hour] === null ? "–" : number(rates[day][hour], 1), watched: number(heat.watched_h[day][hour], 1),
  });
  return (
    <section className="card">
      <header className="card-head"><h2>{t("kpi.heat")}</h2><span className="caption push">{t("kpi.heat_zone", { zone: heat.zone })}</span></header>
      <table className="heat" onMouseLeave={() => setPointed(null)}>
        <caption className="visually-hidden">{t("kpi.heat_caption")}</caption>
        <thead>
          <tr><td />{HOURS.map((hour) => <th key={hour} scope="col" data-minor={hour % 6 !== 0}>{two(hour)}</th>)}</tr>
        </thead>
        <tbody>
          {rates.map((row, day) => (
            <tr key={day}>
              <th scope="row">{weekdayName(day, "short")}</th>
              {row.map((rate, hour) => (
                <td key={hour} data-level={levelOf(rate, most)} title={words({ day, hour })} onMouseEnter={() => setPointed({ day, hour })} onClick={() => setPointed({ day, hour })}>
                  <span className="heat-number">{heat.counts[day][hour] || ""}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="caption" role="status">{shown ? `${pointed ? "" : `${t("kpi.heat_worst")} `}${words(shown)}` : t("kpi.no_alarms_text")}</p>
    </section>
  );
}
