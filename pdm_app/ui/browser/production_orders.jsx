/* An order: what may be done with it, what was made for it, and the one that a line works now. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Bar } from "./production.jsx";
import { minutes, percent } from "./production_words.js";

const KPIS = ["oee", "availability", "performance", "quality"];

/** Begin, pause, end: what the order's state and the person's rights allow. */
export function OrderActs({ order, mayRecord, mayManage, tall = false, onDone }) {
  const { run, busy, error } = useAct();
  const begin = () => run(async () => { await link().mutate("orders.begin", { order_id: order.id }); onDone(); });
  const end = (outcome) => run(async () => { await link().mutate("orders.end", { order_id: order.id, outcome }); onDone(); });
  const look = tall ? "button tall" : "button button-small";
  const isOver = order.state === "done" || order.state === "dropped";
  if (isOver || !mayRecord) return null;
  return (
    <>
      <div className="note-actions">
        {order.state !== "running" && <button type="button" className={look} disabled={busy} onClick={begin}>{t("orders.begin")}</button>}
        {order.state === "running" && <button type="button" className={look} disabled={busy} onClick={() => end("paused")}>{t("orders.pause")}</button>}
        {order.state !== "planned" && <button type="button" className={look} disabled={busy} onClick={() => end("done")}>{t("orders.finish")}</button>}
        {mayManage && order.state !== "running" && !tall && <button type="button" className={look} disabled={busy} onClick={() => end("dropped")}>{t("orders.drop")}</button>}
      </div>
      <ActError error={error} />
    </>
  );
}

/** What was made for an order, and how it is rated; the time of its set-up beside the one that was planned. */
export function OrderFacts({ progress }) {
  const { order, period } = progress;
  return (
    <div className="stack">
      <div><Bar value={progress.good / order.quantity} /> <strong>{percent(progress.good / order.quantity)}</strong></div>
      <dl className="definition">
        <dt>{t("orders.good")}</dt><dd>{t("orders.of", { good: number(progress.good), quantity: number(order.quantity) })}</dd>
        <dt>{t("orders.scrap")}</dt><dd>{number(progress.scrap)}</dd>
        <dt>{t("orders.setup")}</dt><dd>{t("orders.setup_of", { minutes: minutes(progress.setup_s), planned: number(order.setup_min) })}</dd>
        {progress.begun_at !== null && <><dt>{t("orders.begun")}</dt><dd><Moment at={progress.begun_at} /></dd></>}
        {progress.done_at !== null && <><dt>{t(order.state === "done" ? "orders.ended" : "orders.expected")}</dt><dd><Moment at={progress.done_at} /></dd></>}
        {order.note && <><dt>{t("orders.note")}</dt><dd>{order.note}</dd></>}
      </dl>
      {period && (
        <>
          <dl className="oee-factors">
            {KPIS.map((kpi) => <div key={kpi}><dt>{t("production.kpi", { kpi })}</dt><dd>{percent(period.figures[kpi])}</dd></div>)}
          </dl>
          <p className="caption">{t("orders.rated_hint", { busy: minutes(period.totals.running_us / 1e6 + period.totals.minor_us / 1e6), made: number(progress.made) })}</p>
        </>
      )}
      {progress.runs.length > 0 && (
        <ul className="stop-list">
          {[...progress.runs].reverse().map((run) => (
            <li key={run.id} className="caption"><Moment at={run.begin_at} /> – {run.end_at === null ? t("orders.goes_on") : <Moment at={run.end_at} />} · {run.begun_by}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** On the tablet: which order the line works, and another one with two taps. */
export function RunningOrder({ siteId, lineId, round, mayRecord }) {
  const { answer, error, again } = useQuery("orders.list", { site_id: siteId });
  const [open, setOpen] = useState(false);
  useEffect(() => { if (round) again(); }, [round]);
  if (error && !answer) return <ErrorNote what={t("orders.failed")} error={error} again={again} compact />;
  if (!answer) return <Skeleton height={44} />;
  const own = answer.filter((one) => one.order.line_id === lineId);
  const now = own.find((one) => one.order.state === "running");
  const done = () => { again(); setOpen(false); };
  if (own.length === 0) return null;
  return (
    <div className="stack" data-order={now?.order.number ?? ""}>
      <div className="stop-words">
        <strong>{now ? <>{t("orders.order")} <span className="code">{now.order.number}</span> {now.product}</> : t("orders.none_running")}</strong>
        {mayRecord && <button type="button" className="button tall push" onClick={() => setOpen(true)}>{t("orders.choose")}</button>}
      </div>
      {now && <div><Bar value={now.good / now.order.quantity} /> <span className="caption">{t("orders.of", { good: number(now.good), quantity: number(now.order.quantity) })}{now.done_at !== null && <> · {t("orders.expected")} <Moment at={now.done_at} /></>}{now.is_late && ` · ${t("orders.late")}`}</span></div>}
      {open && (
        <Sheet title={t("orders.choose")} onClose={() => setOpen(false)}>
          {own.length === 0 && <EmptyNote title={t("orders.none")} />}
          <ul className="stop-list">
            {own.map((one) => (
              <li key={one.order.id} className="stop">
                <div className="stop-words"><strong><span className="code">{one.order.number}</span> {one.product}</strong><span className="push">{t("orders.state", { state: one.order.state })}</span></div>
                <span className="caption">{t("orders.of", { good: number(one.good), quantity: number(one.order.quantity) })}{one.order.due_at !== null && <> · {t("orders.due")} <Moment at={one.order.due_at} /></>}</span>
                <OrderActs order={one.order} mayRecord={mayRecord} tall onDone={done} />
              </li>
            ))}
          </ul>
        </Sheet>
      )}
    </div>
  );
}
