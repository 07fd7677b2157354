/* What is planned: the orders of the lines with how far each is, and time in which machines are not to run. */
import { useEffect, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { usePlaces } from "./directory.js";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Bar } from "./production.jsx";
import { OrderActs, OrderFacts } from "./production_orders.jsx";
import { fromWall, toWall } from "./production_words.js";

const EVERY_MS = 10_000;
const DAY_US = 86_400_000_000;
const BEHIND_DAYS = 30;
const AHEAD_DAYS = 400;
const SHEET_EXAMPLE = "number,line,product,quantity,setup_min,due\n";

export const ProductionPlan = guarded(function ProductionPlan({ siteId = "", mayRecord = false, mayManage = false }) {
  const places = usePlaces();
  if (!siteId) return <section className="card"><EmptyNote title={t("production.no_site")} /></section>;
  const own = [...places.values()].filter(({ site }) => site.id === siteId);
  const lines = [...new Map(own.map(({ line }) => [line.id, line])).values()].sort((one, other) => one.name.localeCompare(other.name));
  return (
    <div className="stack">
      <Orders siteId={siteId} lines={lines} mayRecord={mayRecord} mayManage={mayManage} />
      <Planned siteId={siteId} lines={lines} places={own} mayManage={mayManage} />
    </div>
  );
});

// --- orders ---------------------------------------------------------------------------------------------------------

function Orders({ siteId, lines, mayRecord, mayManage }) {
  const [over, setOver] = useState(false);
  const { answer, error, again } = useQuery("orders.list", { site_id: siteId, over });
  const products = useQuery("production.products", { site_id: siteId }).answer ?? [];
  const [open, setOpen] = useState(null);
  const [sheet, setSheet] = useState(false);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && again(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const chosen = open && answer?.find((each) => each.order.id === open);
  return (
    <section className="card stack" id="orders">
      <header className="card-head">
        <h2>{t("orders.title")}</h2>
        <div className="segments push" role="group" aria-label={t("orders.which")}>
          {[false, true].map((each) => <button key={String(each)} type="button" className="segment" aria-pressed={over === each} onClick={() => setOver(each)}>{t(each ? "orders.over" : "orders.open")}</button>)}
        </div>
        {mayManage && <button type="button" className="button" onClick={() => setSheet(true)}>{t("orders.from_sheet")}</button>}
        {mayManage && <button type="button" className="button button-primary" onClick={() => setOpen("new")}>{t("orders.add")}</button>}
      </header>
      {error && !answer && <ErrorNote what={t("orders.failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={120} />}
      {answer?.length === 0 && <EmptyNote title={t(over ? "orders.none_over" : "orders.none")} text={over ? "" : t("orders.none_hint")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("orders.number")}</th><th>{t("orders.line")}</th><th>{t("orders.product")}</th><th>{t("orders.progress")}</th><th>{t("orders.due")}</th><th>{t("orders.state_of")}</th><th>{t("orders.do")}</th></tr></thead>
          <tbody>
            {answer.map((one) => (
              <tr key={one.order.id}>
                <td><button type="button" className="link code" onClick={() => setOpen(one.order.id)}>{one.order.number}</button></td>
                <td data-label={t("orders.line")}>{one.line}</td>
                <td data-label={t("orders.product")}><span className="code">{one.product || "—"}</span> <span className="caption">{one.product_name}</span></td>
                <td data-label={t("orders.progress")}>
                  <div><Bar value={one.good / one.order.quantity} /><span className="caption">{t("orders.of", { good: number(one.good), quantity: number(one.order.quantity) })}</span></div>
                </td>
                <td data-label={t("orders.due")}>{one.order.due_at === null ? "—" : <Moment at={one.order.due_at} />}{one.is_late && <div><span className="chip">{t("orders.late")}</span></div>}</td>
                <td data-label={t("orders.state_of")}>{t("orders.state", { state: one.order.state })}{one.done_at !== null && one.order.state === "running" && <div className="caption">{t("orders.expected")} <Moment at={one.done_at} /></div>}</td>
                <td data-label={t("orders.do")}><OrderActs order={one.order} mayRecord={mayRecord} mayManage={mayManage} onDone={again} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open === "new" && <Sheet title={t("orders.add")} onClose={() => setOpen(null)} side><OrderForm siteId={siteId} lines={lines} products={products} onDone={() => { setOpen(null); setOver(false); again(); }} /></Sheet>}
      {chosen && (
        <Sheet title={chosen.order.number} onClose={() => setOpen(null)} side>
          <OrderFacts progress={chosen} />
          {mayManage && !["done", "dropped"].includes(chosen.order.state) && <OrderForm key={chosen.order.revision} siteId={siteId} order={chosen.order} lines={lines} products={products} onDone={() => { setOpen(null); again(); }} />}
        </Sheet>
      )}
      {sheet && <Sheet title={t("orders.from_sheet")} onClose={() => setSheet(false)}><OrderSheet siteId={siteId} lines={lines} onDone={again} /></Sheet>}
    </section>
  );
}

function OrderForm({ siteId, order = null, lines, products, onDone }) {
  const zone = useZone();
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const facts = {
      site_id: siteId, line_id: form.get("line") ?? order?.line_id, number: String(form.get("number")).trim(), product_id: form.get("product") || null,
      quantity: Number(form.get("quantity")), setup_min: Number(form.get("setup_min")), due_at: fromWall(form.get("due"), zone), note: form.get("note"),
    };
    run(async () => {
      await link().mutate("orders.put", { facts, ...(order ? { order_id: order.id, revision: order.revision } : {}) });
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["number", "line_id"])} />
      <Field label={t("orders.number")} name="number" required maxLength={40} autoComplete="off" defaultValue={order?.number ?? ""} error={faultOf(error, "number")} />
      <Field as="select" label={t("orders.line")} name="line" defaultValue={order?.line_id ?? lines[0]?.id} disabled={order !== null && order.state !== "planned"} error={faultOf(error, "line_id")}>
        {lines.map((line) => <option key={line.id} value={line.id}>{line.name}</option>)}
      </Field>
      <Field as="select" label={t("orders.product")} name="product" defaultValue={order?.product_id ?? ""} hint={t("orders.product_hint")}>
        <option value="">{t("orders.no_product")}</option>
        {products.map((product) => <option key={product.id} value={product.id}>{product.code} {product.name}</option>)}
      </Field>
      <div className="form-row">
        <Field label={t("orders.quantity")} name="quantity" type="number" min={0} step="any" required defaultValue={order?.quantity ?? ""} error={faultOf(error, "quantity")} />
        <Field label={t("orders.setup_min")} name="setup_min" type="number" min={0} step="any" required defaultValue={order?.setup_min ?? 0} />
      </div>
      <Field label={t("orders.due")} name="due" type="datetime-local" hint={t("orders.due_hint", { zone })} defaultValue={toWall(order?.due_at ?? null, zone)} />
      <Field as="textarea" rows={2} label={t("orders.note")} name="note" maxLength={2000} defaultValue={order?.note ?? ""} />
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
    </form>
  );
}

/** Orders as a planning system writes them: pasted, or a file. */
function OrderSheet({ siteId, lines, onDone }) {
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    run(async () => {
      const { added, known } = await link().mutate("orders.sheet", { site_id: siteId, sheet: text });
      setSaid(t("orders.sheet_taken", { added, known }));
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <p className="caption">{t("orders.sheet_hint", { lines: lines.map((line) => line.name).join(", ") })}</p>
      <p className="code caption">{SHEET_EXAMPLE}</p>
      <Refusal message={messageOf(error)} />
      <Field type="file" accept=".csv,text/csv,text/plain" label={t("orders.sheet_file")} onChange={async (event) => setText((await event.target.files[0]?.text()) ?? "")} />
      <Field as="textarea" rows={8} required label={t("orders.sheet_text")} maxLength={200_000} value={text} onChange={(event) => setText(event.target.value)} />
      {said && <p role="status">{said}</p>}
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy || !text.trim()}>{t("orders.sheet_take")}</button></div>
    </form>
  );
}

// --- planned time ---------------------------------------------------------------------------------------------------

function Planned({ siteId, lines, places, mayManage }) {
  const [today] = useState(() => Math.floor(Date.now() / 86_400_000) * DAY_US);
  const { answer, error, again } = useQuery("planned_stops.list", { site_id: siteId, begin_at: today - BEHIND_DAYS * DAY_US, end_at: today + AHEAD_DAYS * DAY_US });
  const [open, setOpen] = useState(null);
  const nameOf = (stop) => {
    if (stop.asset_id) return places.find(({ asset }) => asset.id === stop.asset_id)?.asset.code ?? stop.asset_id;
    return stop.line_id ? lines.find((line) => line.id === stop.line_id)?.name ?? stop.line_id : t("planned.all");
  };
  return (
    <section className="card stack" id="planned">
      <header className="card-head">
        <h2>{t("planned.title")}</h2>
        {mayManage && <button type="button" className="button push" onClick={() => setOpen({})}>{t("planned.add")}</button>}
      </header>
      <p className="caption">{t("planned.hint")} <a className="link" href="/settings/shifts">{t("planned.breaks")}</a></p>
      {error && !answer && <ErrorNote what={t("planned.failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={80} />}
      {answer?.length === 0 && <EmptyNote title={t("planned.none")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("planned.what")}</th><th>{t("planned.of")}</th><th>{t("planned.begin")}</th><th>{t("planned.end")}</th><th>{t("planned.said_by")}</th></tr></thead>
          <tbody>
            {answer.map((stop) => (
              <tr key={stop.id}>
                <td>{mayManage ? <button type="button" className="link" onClick={() => setOpen(stop)}>{stop.name}</button> : stop.name}{stop.note && <div className="caption">{stop.note}</div>}</td>
                <td data-label={t("planned.of")}>{nameOf(stop)}</td>
                <td data-label={t("planned.begin")}><Moment at={stop.begin_at} /></td>
                <td data-label={t("planned.end")}><Moment at={stop.end_at} /></td>
                <td data-label={t("planned.said_by")}>{stop.said_by}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && <Sheet title={open.name ?? t("planned.add")} onClose={() => setOpen(null)} side><PlannedForm siteId={siteId} stop={open.id ? open : null} lines={lines} places={places} onDone={() => { setOpen(null); again(); }} /></Sheet>}
    </section>
  );
}

function PlannedForm({ siteId, stop, lines, places, onDone }) {
  const zone = useZone();
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [kind, id] = String(form.get("of")).split(" ");
    const facts = {
      site_id: siteId, line_id: kind === "line" ? id : null, asset_id: kind === "asset" ? id : null, name: form.get("name"), note: form.get("note"),
      begin_at: fromWall(form.get("begin"), zone), end_at: fromWall(form.get("end"), zone),
    };
    run(async () => {
      await link().mutate("planned_stops.put", { facts, ...(stop ? { stop_id: stop.id, revision: stop.revision } : {}) });
      onDone();
    });
  };
  const drop = () => run(async () => {
    await link().mutate("planned_stops.drop", { stop_id: stop.id, revision: stop.revision });
    onDone();
  });
  const of = stop?.asset_id ? `asset ${stop.asset_id}` : stop?.line_id ? `line ${stop.line_id}` : "";
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error)} />
      <Field label={t("planned.what")} name="name" required maxLength={120} autoComplete="off" defaultValue={stop?.name ?? ""} />
      <Field as="select" label={t("planned.of")} name="of" defaultValue={of}>
        <option value="">{t("planned.all")}</option>
        {lines.map((line) => <option key={line.id} value={`line ${line.id}`}>{line.name}</option>)}
        {places.map(({ asset }) => <option key={asset.id} value={`asset ${asset.id}`}>{asset.code} {asset.name}</option>)}
      </Field>
      <div className="form-row">
        <Field label={t("planned.begin")} name="begin" type="datetime-local" required hint={t("orders.due_hint", { zone })} defaultValue={toWall(stop?.begin_at ?? null, zone)} />
        <Field label={t("planned.end")} name="end" type="datetime-local" required defaultValue={toWall(stop?.end_at ?? null, zone)} />
      </div>
      <Field as="textarea" rows={2} label={t("orders.note")} name="note" maxLength={2000} defaultValue={stop?.note ?? ""} />
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        {stop && <button type="button" className="button" disabled={busy} onClick={drop}>{t("planned.drop")}</button>}
      </div>
    </form>
  );
}
