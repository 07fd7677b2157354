/* What the lists of maintenance share: money, where it stands, and why an event is there. */
import { useSignals } from "./directory.js";
import { exact, MISSING, number, unitSymbol } from "./format.js";
import { language, t } from "./messages.js";
import { Moment } from "./parts.jsx";

const WHOLE_FROM = 100; // From here on nobody asks for the cents of an estimate.

/** An amount in a currency; a dash where nobody has said what it costs. */
export function money(amount, currency) {
  if (amount === null || amount === undefined) return MISSING;
  const digits = amount >= WHOLE_FROM || Number.isInteger(amount) ? 0 : 2;
  const said = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    return new Intl.NumberFormat(language(), { style: "currency", currency, ...said }).format(amount);
  } catch {
    return `${number(amount, digits)} ${currency}`; // A site may be said to have a currency that is none.
  }
}

/** How bad an event is, as a word: bold where it is critical. */
export function SeverityWord({ severity }) {
  return <span className={severity === "critical" ? "strong" : ""}>{t("maintenance.severity", { severity })}</span>;
}

/** What opened an event: the value and its limit, the score and its threshold. */
export function Evidence({ event }) {
  const signals = useSignals(event.asset_id);
  const named = (id) => signals.find((signal) => signal.id === id);
  const rows = [
    [event.signal_id, event.value, event.limit],
    [event.score_signal_id, event.score, event.score_limit],
  ].filter(([id]) => id !== null);
  if (!rows.length) return <p className="muted">{t("maintenance.reported_by", { who: event.opened_by })}</p>;
  return (
    <table className="table">
      <thead><tr><th>{t("maintenance.signal")}</th><th className="right">{t("maintenance.value")}</th><th className="right">{t("maintenance.limit")}</th></tr></thead>
      <tbody>
        {rows.map(([id, value, limit]) => (
          <tr key={id}>
            <td>{named(id)?.label ?? id}</td>
            <td className="right">{value === null ? MISSING : exact(value, 3)} <span className="caption">{unitSymbol(named(id)?.unit ?? "1")}</span></td>
            <td className="right">{limit === null ? MISSING : exact(limit)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Since when, and whether what opened it goes on. */
export function Lasting({ event }) {
  return (
    <>
      <Moment at={event.opened_at} />
      {event.rule_id && !event.ended_at && event.resolved_at === null && <span className="caption">, {t("maintenance.goes_on")}</span>}
      {event.times > 1 && <span className="caption">, {t("maintenance.times", { count: event.times })}</span>}
    </>
  );
}
