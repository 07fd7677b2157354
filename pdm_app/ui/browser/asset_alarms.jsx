/* The alarms of one machine as a short list, each with its button. */
import { useState } from "react";
import { AckButton, CommentForm } from "./acknowledge.jsx";
import { ValueAndLimit } from "./alarm_parts.jsx";
import { board, needsAcknowledging, SHAPE_OF_STATE, useAlarms } from "./alarms.js";
import { guarded } from "./guard.jsx";
import { t } from "./messages.js";
import { ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";

export const AssetAlarms = guarded(function AssetAlarms({ assetId, mayAcknowledge = false }) {
  const { alarms, loaded, error } = useAlarms();
  const mine = alarms.filter((alarm) => alarm.asset_id === assetId);
  if (!loaded && error) return <ErrorNote what={t("alarms.failed")} error={error} again={() => board.again()} compact />;
  if (!loaded) return <Skeleton height={40} />;
  if (!mine.length) return <p className="quiet asset-alarms-none">{t("alarms.none_here")}</p>;
  return (
    <ul className="asset-alarms">
      {mine.map((alarm) => <AssetAlarm key={alarm.id} alarm={alarm} mayAcknowledge={mayAcknowledge} />)}
    </ul>
  );
});

function AssetAlarm({ alarm, mayAcknowledge }) {
  const [asking, setAsking] = useState(false);
  const shape = SHAPE_OF_STATE[alarm.state];
  return (
    <li className="asset-alarm" data-state={shape}>
      <PriorityShape priority={alarm.priority} state={shape} size={20} />
      <div className="asset-alarm-words">
        <p className={needsAcknowledging(alarm) ? "strong" : ""}>{alarm.name}</p>
        <p className="caption">
          <Moment at={alarm.raised_at} />, <ValueAndLimit alarm={alarm} />
          {shape === "returned" && <>, {t("alarm.returned_at")} <Moment at={alarm.returned_at} /></>}
          {shape === "acked" && alarm.acknowledged_by && <>, {t("alarm.acked_by", { who: alarm.acknowledged_by })}</>}
        </p>
      </div>
      {needsAcknowledging(alarm) && mayAcknowledge && !asking && (
        <AckButton alarm={alarm} primary={shape === "unacked"} onAsk={() => setAsking(true)} />
      )}
      {asking && needsAcknowledging(alarm) && (
        <CommentForm alarm={alarm} purpose="ack" required onDone={() => setAsking(false)} onCancel={() => setAsking(false)} />
      )}
    </li>
  );
}
