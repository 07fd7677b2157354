/* How production is rated at a site: machines, products, reasons of stops, and what losses cost. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { usePlaces } from "./directory.js";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { exact } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { MachineForm } from "./production_setup_machine.jsx";
import { kindOfTime, percent, reasonName } from "./production_words.js";

const SAYABLE = ["down", "idle", "setup", "planned", "starved", "blocked"];

export const ProductionSetup = guarded(function ProductionSetup({ siteId = "", mayConfigure = false, mayManage = false }) {
  const asked = siteId ? { site_id: siteId } : null;
  const units = useQuery("production.units", asked);
  const products = useQuery("production.products", asked);
  const reasons = useQuery("production.reasons", asked);
  if (!siteId) return <section className="card"><EmptyNote title={t("production.no_site")} /></section>;
  const failed = [units, products, reasons].find((each) => each.error && !each.answer);
  if (failed) return <section className="card"><ErrorNote what={t("production.failed")} error={failed.error} again={failed.again} /></section>;
  if (!units.answer || !products.answer || !reasons.answer) return <section className="card"><Skeleton height={320} /></section>;
  const known = { siteId, mayConfigure, units: units.answer, products: products.answer, reasons: reasons.answer };
  return (
    <div className="stack">
      <Machines {...known} onChanged={units.again} />
      <Products {...known} onChanged={products.again} />
      <Reasons {...known} onChanged={reasons.again} />
      <Prices siteId={siteId} mayManage={mayManage} />
    </div>
  );
});

// --- machines -------------------------------------------------------------------------------------------------------

function Machines({ siteId, mayConfigure, units, products, reasons, onChanged }) {
  const places = usePlaces();
  const [open, setOpen] = useState(null);
  const rated = new Set(units.map((unit) => unit.asset_id));
  const others = [...places.values()].filter(({ asset, site }) => site.id === siteId && !rated.has(asset.id));
  const lineOf = (unit) => places.get(unit.asset_id)?.line.name ?? "";
  const ordered = [...units].sort((one, other) => lineOf(one).localeCompare(lineOf(other)) || one.asset_id.localeCompare(other.asset_id));
  return (
    <section className="card stack" id="machines">
      <header className="card-head">
        <h2>{t("production.machines")}</h2>
        {mayConfigure && others.length > 0 && <button type="button" className="button push" onClick={() => setOpen({ asset_id: others[0].asset.id, revision: 0 })}>{t("production.rate_machine")}</button>}
      </header>
      {units.length === 0 && <EmptyNote title={t("production.empty")} text={t("production.rate_hint")} />}
      {units.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("production.machine")}</th><th>{t("production.line")}</th><th>{t("production.cycle")}</th><th>{t("production.minor_below")}</th><th>{t("production.target_oee")}</th></tr></thead>
          <tbody>
            {ordered.map((unit) => (
              <tr key={unit.id}>
                <td><button type="button" className="link code" onClick={() => setOpen(unit)}>{places.get(unit.asset_id)?.asset.code ?? unit.asset_id}</button> <span className="caption">{unit.is_constraint ? t("production.rates_line") : ""}</span></td>
                <td data-label={t("production.line")}>{lineOf(unit)}</td>
                <td data-label={t("production.cycle")}>{cycleWords(unit.cycles, products)}</td>
                <td data-label={t("production.minor_below")}>{exact(unit.minor_stop_s)} s</td>
                <td data-label={t("production.target_oee")}>{percent(unit.target_oee)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && (
        <Sheet title={places.get(open.asset_id)?.asset.code ?? t("production.rate_machine")} onClose={() => setOpen(null)} side>
          {open.revision === 0 && (
            <Field as="select" label={t("production.machine")} value={open.asset_id} onChange={(event) => setOpen({ asset_id: event.target.value, revision: 0 })}>
              {others.map(({ asset, line }) => <option key={asset.id} value={asset.id}>{asset.code} {asset.name}, {line.name}</option>)}
            </Field>
          )}
          <MachineForm key={open.asset_id} unit={open} products={products} reasons={reasons} mayConfigure={mayConfigure} onDone={() => { setOpen(null); onChanged(); }} />
        </Sheet>
      )}
    </section>
  );
}

/** The cycles in force now: one for all products, or one each. */
function cycleWords(cycles, products) {
  const now = Date.now() * 1_000;
  const newest = new Map(cycles.filter((cycle) => cycle.from_at <= now).map((cycle) => [cycle.product_id, cycle.seconds])); // They come by age.
  const codeOf = (id) => (id === null ? "" : `${products.find((product) => product.id === id)?.code ?? id} `);
  return [...newest].map(([id, seconds]) => `${codeOf(id)}${exact(seconds)} s`).join(", ") || "—";
}

// --- products -------------------------------------------------------------------------------------------------------

function Products({ siteId, mayConfigure, products, onChanged }) {
  const [open, setOpen] = useState(null);
  const { run, busy, error, forget } = useAct();
  const close = () => { setOpen(null); forget(); };
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const called = form.get("number");
    run(async () => {
      const facts = { site_id: siteId, code: form.get("code"), name: form.get("name"), number: called === "" ? null : Number(called) };
      await link().mutate("production.put_product", { facts, ...(open.id ? { product_id: open.id, revision: open.revision } : {}) });
      close();
      onChanged();
    });
  };
  return (
    <section className="card stack" id="products">
      <header className="card-head">
        <h2>{t("production.products")}</h2>
        {mayConfigure && <button type="button" className="button push" onClick={() => setOpen({})}>{t("production.add_product")}</button>}
      </header>
      {products.length === 0 && <EmptyNote title={t("production.no_products")} text={t("production.no_products_hint")} />}
      {products.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("production.code")}</th><th>{t("production.name")}</th><th>{t("production.product_number")}</th></tr></thead>
          <tbody>
            {products.map((product) => (
              <tr key={product.id}>
                <td>{mayConfigure ? <button type="button" className="link code" onClick={() => setOpen(product)}>{product.code}</button> : <span className="code">{product.code}</span>}</td>
                <td data-label={t("production.name")}>{product.name}</td>
                <td data-label={t("production.product_number")}>{product.number ?? "—"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && (
        <Sheet title={open.code ?? t("production.add_product")} onClose={close}>
          <form className="entrance-form" onSubmit={submit}>
            <Refusal message={messageOf(error, ["code", "number"])} />
            <Field label={t("production.code")} name="code" required maxLength={40} autoComplete="off" defaultValue={open.code ?? ""} error={faultOf(error, "code")} />
            <Field label={t("production.name")} name="name" required maxLength={120} autoComplete="off" defaultValue={open.name ?? ""} />
            <Field label={t("production.product_number")} name="number" type="number" step="any" hint={t("production.product_number_hint")} defaultValue={open.number ?? ""} error={faultOf(error, "number")} />
            <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
          </form>
        </Sheet>
      )}
    </section>
  );
}

// --- reasons --------------------------------------------------------------------------------------------------------

function Reasons({ siteId, mayConfigure, reasons, onChanged }) {
  const [open, setOpen] = useState(null);
  const branches = reasons.filter((reason) => reason.parent_id === null);
  const row = (reason) => (
    <li key={reason.id} data-retired={reason.is_retired}>
      {mayConfigure ? <button type="button" className="link" onClick={() => setOpen(reason)}>{reasonName(reason, reason.state)}</button> : reasonName(reason, reason.state)}
      <span className="caption"> {kindOfTime(reason.state)}{reason.is_retired ? ` · ${t("production.retired")}` : ""}</span>
    </li>
  );
  return (
    <section className="card stack" id="reasons">
      <header className="card-head">
        <h2>{t("production.reason_tree")}</h2>
        {mayConfigure && <button type="button" className="button push" onClick={() => setOpen({})}>{t("production.add_reason")}</button>}
      </header>
      {reasons.length === 0 && <EmptyNote title={t("production.no_reasons")} text={t("production.no_reasons_hint")} />}
      <ul className="reason-tree">
        {branches.map((branch) => (
          <li key={branch.id}>
            <ul>{row(branch)}</ul>
            <ul className="reason-leaves">{reasons.filter((reason) => reason.parent_id === branch.id).map(row)}</ul>
          </li>
        ))}
      </ul>
      {open && (
        <Sheet title={open.name ?? t("production.add_reason")} onClose={() => setOpen(null)}>
          <ReasonForm siteId={siteId} reason={open} branches={branches.filter((branch) => branch.id !== open.id)} onDone={() => { setOpen(null); onChanged(); }} />
        </Sheet>
      )}
    </section>
  );
}

function ReasonForm({ siteId, reason, branches, onDone }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const names = Object.fromEntries(
      String(form.get("names")).split("\n").map((line) => line.split("=")).filter((parts) => parts.length === 2).map(([code, name]) => [code.trim(), name.trim()]),
    );
    const facts = {
      site_id: siteId, parent_id: form.get("parent") || null, name: form.get("name"), names, state: form.get("state"),
      position: Number(form.get("position")), is_retired: form.get("retired") === "on",
    };
    run(async () => {
      await link().mutate("production.put_reason", { facts, ...(reason.id ? { reason_id: reason.id, revision: reason.revision } : {}) });
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error, ["parent_id"])} />
      <Field label={t("production.name")} name="name" required maxLength={80} autoComplete="off" defaultValue={reason.name ?? ""} />
      <Field as="select" label={t("production.branch")} name="parent" defaultValue={reason.parent_id ?? ""} error={faultOf(error, "parent_id")}>
        <option value="">{t("production.is_branch")}</option>
        {branches.map((branch) => <option key={branch.id} value={branch.id}>{reasonName(branch, branch.state)}</option>)}
      </Field>
      <Field as="select" label={t("production.kind_of_time")} name="state" defaultValue={reason.state ?? "down"} hint={t("production.kind_hint")}>
        {SAYABLE.map((state) => <option key={state} value={state}>{kindOfTime(state)}</option>)}
      </Field>
      <Field label={t("production.position")} name="position" type="number" min={0} max={10_000} required defaultValue={reason.position ?? 0} />
      <Field as="textarea" rows={3} label={t("production.names")} name="names" hint={t("production.names_hint")} defaultValue={Object.entries(reason.names ?? {}).map((each) => each.join("=")).join("\n")} />
      <Check name="retired" label={t("production.retire")} defaultChecked={reason.is_retired ?? false} />
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
    </form>
  );
}

// --- prices ---------------------------------------------------------------------------------------------------------

const PRICES = ["machine_hour", "scrap_piece", "energy_kwh"];

function Prices({ siteId, mayManage }) {
  const { answer, error, again } = useQuery("production.rates", { site_id: siteId });
  const places = usePlaces();
  const currency = [...places.values()].find(({ site }) => site.id === siteId)?.site.currency ?? "";
  const { run, busy, error: refused } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const facts = Object.fromEntries(PRICES.map((name) => [name, Number(form.get(name))]));
    run(async () => {
      await link().mutate("production.put_rates", { site_id: siteId, facts, revision: answer.revision, reason: form.get("reason") });
      again();
    });
  };
  return (
    <section className="card stack" id="prices">
      <header className="card-head"><h2>{t("production.prices")}</h2></header>
      {error && !answer && <ErrorNote what={t("production.failed")} error={error} again={again} />}
      {!answer && !error && <Skeleton height={80} />}
      {answer && (
        <form className="entrance-form" onSubmit={submit} key={answer.revision}>
          <p className="caption">{t("production.prices_hint")}</p>
          <Refusal message={messageOf(refused)} />
          <div className="form-row">
            {PRICES.map((name) => (
              <Field key={name} name={name} type="number" step="any" min={0} required disabled={!mayManage} label={t("production.price", { name, currency })} defaultValue={answer[name]} />
            ))}
          </div>
          {mayManage && (
            <>
              <Field name="reason" label={t("production.why_changed")} maxLength={2000} autoComplete="off" />
              <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
            </>
          )}
        </form>
      )}
    </section>
  );
}
