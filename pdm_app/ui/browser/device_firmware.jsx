/* The firmware of one device: what it is to run and runs, how its line is, and its story with its machine's alarms and samples. */
import { useState } from "react";
import { stateWords, useEvery } from "./campaign_parts.jsx";
import { guarded } from "./guard.jsx";
import { duration } from "./format.js";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { Age, EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";

const ASKED_EVERY_MS = 10_000;
const ROWS_STEP = 12;
const KINDS = ["firmware", "alarm", "telemetry"];

export const DeviceFirmware = guarded(function DeviceFirmware({ deviceId = "" }) {
  const { answer, error, again } = useQuery("devices.firmware", deviceId ? { device_id: deviceId } : null);
  useEvery(answer ? ASKED_EVERY_MS : 0, again);
  if (!deviceId) return null;
  if (!answer) return <section className="card"><header className="card-head"><h2>{t("device_firmware.title")}</h2></header>{error ? <ErrorNote what={t("device_firmware.failed")} error={error} again={again} /> : <Skeleton height={120} />}</section>;
  return (
    <>
      <section className="card stack">
        <header className="card-head"><h2>{t("device_firmware.title")}</h2>{answer.wanted && <span className="chip push">{stateWords(answer.wanted.state)}</span>}</header>
        {error && <ErrorNote what={t("device_firmware.failed")} error={error} again={again} compact />}
        {answer.twin ? <Standing told={answer} /> : <EmptyNote title={t("device_firmware.never")} text={t("device_firmware.never_hint")} />}
      </section>
      <Story moments={answer.moments} />
    </>
  );
});

/** Desired beside reported, and how well the device is reached. */
function Standing({ told: { twin, wanted, runs, way_back: wayBack, quarantined, line } }) {
  const said = Object.entries(twin.attributes);
  return (
    <dl className="definition wraps">
      <dt>{t("device_firmware.desired")}</dt>
      <dd>
        {wanted ? <>{wanted.release || wanted.version}<div className="caption">{t("device_firmware.by_campaign")} <Go to={`/firmware/campaign/${wanted.campaign_id}`}>{wanted.campaign}</Go></div>{wanted.detail && <div className="caption">{wanted.detail}</div>}</> : t("device_firmware.nothing_wanted")}
      </dd>
      <dt>{t("device_firmware.reported")}</dt>
      <dd>{twin.version || "–"}{twin.version_at && <div className="caption"><Moment at={twin.version_at} /></div>}</dd>
      <dt>{t("device_firmware.proven")}</dt>
      <dd>{runs || "–"}{wayBack && <div className="caption">{t("device_firmware.way_back", { release: wayBack })}</div>}</dd>
      <dt>{t("firmware.hardware")}</dt>
      <dd>{[twin.hardware, twin.hardware_revision].filter(Boolean).join(" ") || "–"}<div className="caption">{t("device_firmware.floor", { version: twin.security_floor })}</div></dd>
      <dt>{t("device_firmware.line")}</dt>
      <dd>
        {line.heard_at === null ? t("device_firmware.never") : <>{t("device_firmware.asked")} <Age since={line.heard_at} brief /></>}
        <div className="caption">{line.missed > 0 ? t("device_firmware.missed", { count: line.missed, every: duration(line.every_s) }) : t("device_firmware.in_time", { every: duration(line.every_s) })}</div>
        {line.attempts > 0 && <div className="caption">{t("device_firmware.broken", { broken: line.broken, attempts: line.attempts })}</div>}
        <div className="caption">{t("device_groups.client_of", { client: twin.client })}{twin.address && <>, <span className="code">{twin.address}</span></>}</div>
      </dd>
      {quarantined.length > 0 && <><dt>{t("device_firmware.quarantined")}</dt><dd>{quarantined.join(", ")}</dd></>}
      {said.length > 0 && (
        <>
          <dt>{t("device_firmware.says")}</dt>
          <dd><details><summary>{t("device_firmware.attributes", { count: said.length })}</summary>{said.map(([key, value]) => <div key={key} className="caption wraps"><span className="code">{key}</span> {value}</div>)}</details></dd>
        </>
      )}
    </dl>
  );
}

/** What happened, the newest first, of all kinds or of one. */
function Story({ moments }) {
  const [kind, setKind] = useState("");
  const [shown, setShown] = useState(ROWS_STEP);
  const rows = moments.filter((one) => !kind || one.kind === kind);
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("device_firmware.story")}</h2></header>
      <div className="segments" role="group" aria-label={t("device_firmware.kinds")}>
        <button type="button" className="segment" aria-pressed={!kind} onClick={() => setKind("")}>{t("device_firmware.all")}</button>
        {KINDS.map((each) => <button key={each} type="button" className="segment" aria-pressed={kind === each} onClick={() => setKind(each)}>{t("device_firmware.kind_of", { kind: each })}</button>)}
      </div>
      {rows.length === 0 && <EmptyNote title={t("device_firmware.nothing")} />}
      <ol className="campaign-story">
        {rows.slice(0, shown).map((one, index) => (
          <li key={`${one.at} ${one.kind} ${one.what} ${index}`} data-kind={one.kind}>
            <span className="caption"><Moment at={one.at} />, {t("device_firmware.kind_of", { kind: one.kind })}</span>
            <span className={one.kind === "firmware" && !one.state ? "" : "strong"}>{wordsOf(one)}{one.state && <span className="caption"> → {stateWords(one.state)}</span>}</span>
            <span className="caption">{one.campaign_id ? <Go to={`/firmware/campaign/${one.campaign_id}`}>{one.name}</Go> : one.name}</span>
            {one.detail && <span className="muted wraps">{one.detail}</span>}
          </li>
        ))}
      </ol>
      {rows.length > shown && <button type="button" className="button" onClick={() => setShown(shown + ROWS_STEP)}>{t("campaigns.more_rows", { count: rows.length - shown })}</button>}
    </section>
  );
}

function wordsOf({ kind, what }) {
  if (kind === "firmware") return t("campaigns.happening_of", { happening: what });
  return kind === "alarm" ? t("journal.kind", { kind: what }) : t("device_firmware.telemetry_of", { what });
}
