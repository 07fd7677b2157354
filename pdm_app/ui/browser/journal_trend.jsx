/* An entry of the journal replayed: its signal ten minutes before and after, and the way to the trends of that time. */
import { lazy, Suspense, useState } from "react";
import { Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";

const AlarmTrend = lazy(() => import("./alarm_trend.jsx").then((module) => ({ default: module.AlarmTrend })));
const AROUND_US = 600e6;

export const JournalTrend = guarded(function JournalTrend({ entryId, assetId, ruleId, name, at, limit = null }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button button-small" aria-label={t("journal.trend_of", { name })} onClick={() => setOpen(true)}>{t("journal.trend")}</button>
      {open && <Replay {...{ entryId, assetId, ruleId, name, at, limit }} onClose={() => setOpen(false)} />}
    </>
  );
});

function Replay({ entryId, assetId, ruleId, name, at, limit, onClose }) {
  const { answer: rule, error, again } = useQuery("alarm_rules.by_id", { rule_id: ruleId });
  const iso = (time) => new Date(time / 1000).toISOString();
  return (
    <Sheet title={name} onClose={onClose}>
      <p className="caption"><Moment at={at} /></p>
      {error && <ErrorNote what={t("journal.trend_failed")} error={error} again={again} compact />}
      {!rule && !error && <Skeleton height={216} />}
      {rule && (
        <>
          <Suspense fallback={<Skeleton height={216} />}>
            <AlarmTrend alarm={{ id: entryId, asset_id: assetId, signal_id: rule.signal_id, raised_at: at, limit, kind: rule.condition.kind }} />
          </Suspense>
          <p><Go to={`/trends?s=${rule.signal_id}&from=${iso(at - AROUND_US)}&to=${iso(at + AROUND_US)}`}>{t("journal.trend_open")}</Go></p>
        </>
      )}
    </Sheet>
  );
}
