/* What rules of retention would take, in words. */
import { number, size } from "./format.js";
import { t } from "./messages.js";
import { Moment } from "./parts.jsx";

export const TIERS = ["raw_days", "rollup_10s_days", "rollup_60s_days", "rollup_1h_days"];

/** One sentence for the whole plan, and a line for each rule and tier. */
export function Plan({ plan }) {
  if (!plan.rows) return t("retention.nothing");
  return (
    <>
      {t("retention.would", { size: size(plan.bytes), rows: number(plan.rows) })}
      <span className="storage-plan">
        {plan.lines.map((line) => (
          <span key={`${line.rule_id}-${line.tier}`} className="caption">
            {t("retention.line", { tier: line.tier, size: size(line.bytes), rows: number(line.rows), signals: line.signals })} <Moment at={line.before_at} />
          </span>
        ))}
      </span>
    </>
  );
}
