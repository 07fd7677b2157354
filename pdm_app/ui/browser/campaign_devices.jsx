/* The devices of a campaign, those that need a look first, and the story of each. */
import { useState } from "react";
import { stateWords } from "./campaign_parts.jsx";
import { barOf, rowsOf } from "./campaigns.js";
import { Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { Age, EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";

const ROWS_STEP = 100;
const MOVING = ["downloading", "installing", "succeeded"];

export function CampaignDevices({ detail }) {
  const { actions, codes, counts } = detail;
  const [show, setShow] = useState("all");
  const [shown, setShown] = useState(ROWS_STEP);
  const [open, setOpen] = useState(null); // The id of a device: another try of it is another action.
  const rows = rowsOf(actions, codes, show);
  const opened = rowsOf(actions, codes).find((action) => action.device_id === open);
  return (
    <section className="card people">
      <header className="card-head campaign-head">
        <h2>{t("campaigns.devices")}</h2>
        <span className="aside">{t("campaigns.attention_first")}</span>
        <select className="input push campaign-filter" aria-label={t("campaigns.show")} value={show} onChange={(event) => { setShow(event.target.value); setShown(ROWS_STEP); }}>
          <option value="all">{t("campaigns.show_all", { count: rowsOf(actions, codes).length })}</option>
          <option value="attention">{t("campaigns.show_attention", { count: rowsOf(actions, codes, "attention").length })}</option>
          {barOf(counts).map(({ state, count }) => <option key={state} value={state}>{stateWords(state)}: {number(count)}</option>)}
        </select>
      </header>
      {rows.length === 0 && <EmptyNote title={t("campaigns.none_of_these")} />}
      {rows.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("devices.device")}</th><th>{t("campaigns.phase")}</th><th>{t("firmware.state")}</th><th>{t("firmware.version")}</th><th>{t("campaigns.progress")}</th><th>{t("campaigns.last")}</th><th>{t("campaigns.since")}</th></tr></thead>
          <tbody>
            {rows.slice(0, shown).map((action) => (
              <tr key={action.device_id}>
                <td><button type="button" className="link code" onClick={() => setOpen(action.device_id)}>{codes[action.device_id] ?? "–"}</button></td>
                <td data-label={t("campaigns.phase")}>{action.state === "skipped" ? "–" : detail.campaign.phases[action.phase]?.name}</td>
                <td data-label={t("firmware.state")}>{stateWords(action.state)}{action.attempts > 0 && <div className="caption">{t("campaigns.attempts", { count: action.attempts })}</div>}</td>
                <td data-label={t("firmware.version")}>{action.from_version || "–"} → {action.to_version || "–"}</td>
                <td data-label={t("campaigns.progress")}><Progress action={action} /></td>
                <td data-label={t("campaigns.last")} className="wraps">{action.detail || "–"}{action.retry_at && <div className="caption">{t("campaigns.next_try")} <Moment at={action.retry_at} /></div>}</td>
                <td data-label={t("campaigns.since")}><Age since={action.state_at} brief /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length > shown && <button type="button" className="button" onClick={() => setShown(shown + ROWS_STEP)}>{t("campaigns.more_rows", { count: rows.length - shown })}</button>}
      {opened && <StorySheet action={opened} code={codes[opened.device_id] ?? "–"} onClose={() => setOpen(null)} />}
    </section>
  );
}

function Progress({ action }) {
  if (!MOVING.includes(action.state)) return "–"; // What waits, or has failed, is no share of anything.
  const percent = action.state === "succeeded" ? 100 : action.progress;
  return <span className="campaign-progress"><progress className="progress" max={100} value={percent} aria-label={t("campaigns.progress")} /><span>{t("campaigns.percent", { percent })}</span></span>;
}

/** What happened to one device, the newest first. */
function StorySheet({ action, code, onClose }) {
  const { answer, error, again } = useQuery("campaigns.story", { action_id: action.id });
  return (
    <Sheet title={t("campaigns.story_of", { code })} onClose={onClose} side>
      <div className="stack">
        <p>{stateWords(action.state)}<span className="caption">, {t("campaigns.story_way", { from: action.from_version || "–", to: action.to_version || "–", number: action.number })}</span></p>
        <div className="note-actions">
          <Go to={`/devices/${action.device_id}`} className="button">{t("campaigns.open_device")}</Go>
          <button type="button" className="button" onClick={again}>{t("campaigns.plan_again")}</button>
        </div>
        {error && <ErrorNote what={t("campaigns.failed")} error={error} again={again} />}
        {!answer && !error && <Skeleton height={120} />}
        {answer?.length === 0 && <EmptyNote title={t("campaigns.no_story")} text={action.detail} />}
        <ol className="campaign-story">
          {answer?.map((event) => (
            <li key={event.id}>
              <span className="caption"><Moment at={event.at} />, {event.by}</span>
              <span className={event.is_a_move ? "strong" : ""}>{t("campaigns.happening_of", { happening: event.happening })}{event.is_a_move && <span className="caption"> → {stateWords(event.state)}</span>}</span>
              {event.detail && <span className="muted wraps">{event.detail}</span>}
            </li>
          ))}
        </ol>
      </div>
    </Sheet>
  );
}
