/* The workspace as a table: what is drawn in the span that is shown, the newest first. */
import { clock, day, number } from "./format.js";
import { t } from "./messages.js";
import { keyOf, rowsOf, within } from "./workspace_state.js";

const ROWS_MAX = 500;

export function WorkspaceTable({ list, found, from, to, named, unitOf, decimalsOf, zone }) {
  const { rows, total } = rowsOf(list.map((series) => within(found.get(keyOf(series)).columns, from, to)), ROWS_MAX);
  return (
    <div className="trend-table workspace-table" tabIndex={0} role="region" aria-label={t("trends.table_label")}>
      <table className="table">
        <thead>
          <tr>
            <th>{t("trend.time")}</th>
            {list.map((series) => <th key={keyOf(series)} className="right">{[named(series), unitOf(series)].filter(Boolean).join(", ")}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, values }) => (
            <tr key={at}>
              <td>{day(at, zone)} {clock(at, zone)}</td>
              {values.map((value, place) => <td key={keyOf(list[place])} className="right">{value === null ? "–" : number(value, decimalsOf(list[place]))}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
      {total > ROWS_MAX && <p className="caption trend-table-more">{t("trend.table_more", { shown: number(ROWS_MAX), total: number(total) })}</p>}
    </div>
  );
}
