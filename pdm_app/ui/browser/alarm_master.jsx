/* The master alarm database: every rule in reach, its load of the last month, its approval; out and in as a sheet. */
import { useMemo, useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { conditionWords } from "./alarm_condition.jsx";
import { RuleSheet } from "./alarm_rule_sheet.jsx";
import { usePlaces, useSignal } from "./directory.js";
import { Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";

const SHOWN_MAX = 500;

export const AlarmMaster = guarded(function AlarmMaster({ mayConfigure = false }) {
  const { answer: rules, error, again } = useQuery("alarms.rules", {});
  const card = useQuery("alarms.scorecard", { days: 30 }).answer;
  const places = usePlaces();
  const [words, setWords] = useState("");
  const [open, setOpen] = useState(null);
  const [asked, setAsked] = useState(null); // Whose history is read.
  const load = useMemo(() => new Map((card?.bad_actors ?? []).map((actor) => [actor.rule_id, actor])), [card]);
  const codeOf = (rule) => places.get(rule.asset_id)?.asset.code ?? rule.asset_id;
  if (error && !rules) return <section className="card"><ErrorNote what={t("rules.failed")} error={error} again={again} /></section>;
  if (!rules) return <section className="card"><Skeleton height={240} /></section>;
  const sought = words.trim().toLowerCase();
  const found = rules.filter((rule) => !sought || `${codeOf(rule)} ${rule.name} ${rule.alarm_class} ${rule.group}`.toLowerCase().includes(sought));
  const edited = rules.find((rule) => rule.id === open);
  return (
    <>
      <div className="signal-tools">
        <input className="input" value={words} onChange={(event) => setWords(event.target.value)} placeholder={t("master.search")} aria-label={t("master.search")} />
        <SheetButtons mayConfigure={mayConfigure} onTaken={again} />
      </div>
      <section className="card rules-table">
        {found.length === 0 ? <EmptyNote title={t("rules.empty")} text={t("master.none")} /> : (
          <div className="table-scroll">
            <table className="table">
              <thead>
                <tr>
                  <th>{t("journal.priority")}</th><th>{t("journal.asset")}</th><th>{t("journal.alarm")}</th><th className="right">{t("rules.kind")}</th>
                  <th className="right">{t("master.load")}</th><th>{t("master.approved")}</th>{mayConfigure && <th />}
                </tr>
              </thead>
              <tbody>
                {found.slice(0, SHOWN_MAX).map((rule) => (
                  <Row key={rule.id} rule={rule} code={codeOf(rule)} actor={load.get(rule.id)} mayConfigure={mayConfigure} onEdit={() => setOpen(rule.id)} onHistory={() => setAsked(rule)} onChanged={again} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {found.length > SHOWN_MAX && <p className="muted" role="status">{t("master.cut", { count: SHOWN_MAX, all: found.length })}</p>}
      </section>
      {edited && <Edited rule={edited} onStale={again} onClose={() => setOpen(null)} onSaved={async () => { setOpen(null); again(); }} />}
      {asked && <History rule={asked} onClose={() => setAsked(null)} />}
    </>
  );
});

/* A rule that is there is edited among the signals it names; others are chosen on the machine's page. */
function Edited({ rule, ...acts }) {
  const signal = useSignal(rule.asset_id, rule.signal_id);
  return <RuleSheet rule={rule} signals={signal ? [signal] : []} {...acts} />;
}

function Row({ rule, code, actor, mayConfigure, onEdit, onHistory, onChanged }) {
  const { run, busy, error } = useAct();
  const signal = useSignal(rule.asset_id, rule.signal_id);
  const approve = () => run(async () => {
    await link().mutate("alarm_rules.approve", { rule_id: rule.id, revision: rule.revision });
    onChanged();
  });
  return (
    <tr data-off={!rule.enabled} data-rule={rule.id}>
      <td><PriorityShape priority={rule.priority} state="acked" size={18} /></td>
      <td><span className="code">{code}</span></td>
      <td>{rule.name}{!rule.enabled && <> <span className="chip">{t("rules.off")}</span></>}<ActError error={error} /></td>
      <td className="right">{conditionWords(rule.condition, signal)}</td>
      <td className="right">{actor ? t("master.bad_actor", { count: actor.count }) : ""}</td>
      <td>{rule.approved_at ? <>{rule.approved_by} <Moment at={rule.approved_at} /></> : <span className="chip">{t("master.not_approved")}</span>}</td>
      {mayConfigure && (
        <td className="right nowrap row-acts">
          <button type="button" className="link" onClick={onEdit} aria-label={t("rules.edit_named", { name: rule.name })}>{t("action.edit")}</button>{" "}
          <button type="button" className="link" onClick={onHistory} aria-label={t("master.history_named", { name: rule.name })}>{t("master.history")}</button>{" "}
          {!rule.approved_at && <button type="button" className="link" disabled={busy} onClick={approve} aria-label={t("master.approve_named", { name: rule.name })}>{t("master.approve")}</button>}
        </td>
      )}
    </tr>
  );
}

function History({ rule, onClose }) {
  const { answer, error, again } = useQuery("alarm_rules.history", { rule_id: rule.id });
  return (
    <Sheet title={t("master.history_named", { name: rule.name })} onClose={onClose} side>
      {error && !answer && <ErrorNote what={t("master.history_failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={88} />}
      {answer?.length === 0 && <p className="muted">{t("master.no_history")}</p>}
      <ul className="rule-history">
        {(answer ?? []).map((entry) => (
          <li key={entry.id}>
            <span className="strong">{entry.actor}</span> <Moment at={entry.at} /> <span className="caption">{entry.reason}</span>
            <p className="caption">{entry.before && <code>{entry.before}</code>} {entry.after && <>→ <code>{entry.after}</code></>}</p>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

function SheetButtons({ mayConfigure, onTaken }) {
  const file = useRef(null);
  const [look, setLook] = useState(null); // {sheet, outcome}
  const { run, busy, error } = useAct();
  const save = () => run(async () => {
    const address = URL.createObjectURL(new Blob([await link().query("alarm_rules.sheet", {})], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: address, download: "alarm-rules.csv" }).click();
    URL.revokeObjectURL(address);
  });
  const read = (event) => {
    const [chosen] = event.target.files;
    event.target.value = "";
    if (chosen) run(async () => {
      const sheet = await chosen.text();
      setLook({ sheet, outcome: await link().mutate("alarm_rules.take_sheet", { sheet, only_look: true }) });
    });
  };
  const take = () => run(async () => {
    await link().mutate("alarm_rules.take_sheet", { sheet: look.sheet, reason: t("master.by_sheet") });
    setLook(null);
    onTaken();
  });
  return (
    <>
      <button type="button" className="button" disabled={busy} onClick={save}>{t("master.save_sheet")}</button>
      {mayConfigure && <button type="button" className="button" disabled={busy} onClick={() => file.current.click()}>{t("master.take_sheet")}</button>}
      {mayConfigure && <input ref={file} type="file" accept=".csv,text/csv" className="visually-hidden" onChange={read} aria-label={t("master.take_sheet")} tabIndex={-1} />}
      <ActError error={error} />
      {look && (
        <div className="note-actions" role="status">
          <span>{t("master.would", { created: look.outcome.created.length, changed: look.outcome.changed.length })}</span>
          <button type="button" className="button button-primary" disabled={busy || !(look.outcome.created.length + look.outcome.changed.length)} onClick={take}>{t("master.do_it")}</button>
          <button type="button" className="button" onClick={() => setLook(null)}>{t("action.cancel")}</button>
        </div>
      )}
    </>
  );
}
