/* A trend as a table, for readers who cannot or would rather not read a chart. */
import { clock, day, number, unitSymbol } from "./format.js";
import { useZone } from "./hooks.js";
import { t } from "./messages.js";

const ROWS_MAX = 500;

export function TrendTable({ signal, columns, height }) {
  const zone = useZone();
  const [times, low, high, mean] = columns;
  const rows = times.map((_, index) => index).filter((index) => mean[index] !== null).reverse();
  const unit = unitSymbol(signal.unit);
  const heading = (key) => (unit ? `${t(key)}, ${unit}` : t(key));
  return (
    <div className="trend-table" style={{ maxHeight: height }} tabIndex={0} role="region" aria-label={t("trend.table_label", { name: signal.label })}>
      <table className="table">
        <thead>
          <tr>
            <th>{t("trend.time")}</th>
            <th className="right">{heading("trend.minimum")}</th>
            <th className="right">{heading("trend.mean")}</th>
            <th className="right">{heading("trend.maximum")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS_MAX).map((index) => (
            <tr key={index}>
              <td>{day(times[index] * 1e6, zone)} {clock(times[index] * 1e6, zone)}</td>
              <td className="right">{number(low[index], signal.decimals)}</td>
              <td className="right">{number(mean[index], signal.decimals)}</td>
              <td className="right">{number(high[index], signal.decimals)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > ROWS_MAX && <p className="caption trend-table-more">{t("trend.table_more", { shown: number(ROWS_MAX), total: number(rows.length) })}</p>}
    </div>
  );
}
