/* Pieces that nothing counted: entered one by one or by the sheet, listed, and taken back. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";

const KINDS = ["scrap", "found_scrap", "rework", "good"];
const SPAN_US_MAX = 35 * 86_400_000_000;
const FAULTS_SHOWN = 12;

/** `machines` are those of the line; `span` is the time of the page. */
export function Counts({ siteId, lineId, machines, span, onClose, onChanged }) {
  const begin_at = Math.max(span.begin_at, span.end_at - SPAN_US_MAX);
  const { answer, error, again } = useQuery("production.counts", { line_id: lineId, begin_at, end_at: span.end_at });
  const products = useQuery("production.products", { site_id: siteId }).answer ?? [];
  const changed = () => { again(); onChanged(); };
  const codes = Object.fromEntries(machines.map((machine) => [machine.asset_id, machine.code]));
  return (
    <Sheet title={t("production.enter_pieces")} onClose={onClose} side>
      <One machines={machines} products={products} onDone={changed} />
      <CsvSheet siteId={siteId} onDone={changed} />
      <section className="stack">
        <h3>{t("production.entered_pieces")}</h3>
        {error && !answer && <ErrorNote what={t("production.failed")} error={error} again={again} compact />}
        {!answer && !error && <Skeleton height={60} />}
        {answer?.length === 0 && <EmptyNote title={t("production.none_entered")} />}
        <ul className="minute-alarms">
          {(answer ?? []).map((edit) => <Entered key={edit.id} edit={edit} code={codes[edit.asset_id] ?? edit.asset_id} onDone={changed} />)}
        </ul>
      </section>
    </Sheet>
  );
}

function One({ machines, products, onDone }) {
  const { run, busy, error } = useAct();
  const [done, setDone] = useState(0);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const typed = form.get("at");
    const at = typed ? new Date(typed).getTime() * 1_000 : link().clock.now() - 1_000_000;
    run(async () => {
      const facts = { kind: "count", at: Math.round(at), counted: form.get("counted"), pieces: Number(form.get("pieces")), product_id: form.get("product") || null, note: form.get("note") };
      await link().mutate("production.say", { asset_id: form.get("machine"), facts });
      setDone((count) => count + 1);
      onDone();
    });
  };
  return (
    <form className="entrance-form" onSubmit={submit} key={done}>
      <Refusal message={messageOf(error, ["pieces", "at"])} />
      <div className="form-row">
        <Field as="select" name="machine" label={t("production.machine")} defaultValue={machines.find((machine) => machine.is_constraint)?.asset_id}>
          {machines.map((machine) => <option key={machine.asset_id} value={machine.asset_id}>{machine.code} {machine.name}</option>)}
        </Field>
        <Field as="select" name="counted" label={t("production.counted_as")}>
          {KINDS.map((kind) => <option key={kind} value={kind}>{t("production.count_kind", { kind })}</option>)}
        </Field>
        <Field name="pieces" type="number" min={1} step={1} required inputMode="numeric" label={t("production.pieces")} error={faultOf(error, "pieces")} />
      </div>
      <Field name="at" type="datetime-local" step={1} label={t("production.when")} hint={t("production.when_hint")} error={faultOf(error, "at")} />
      {products.length > 0 && (
        <Field as="select" name="product" label={t("production.product")}>
          <option value="">{t("production.product_of_machine")}</option>
          {products.map((product) => <option key={product.id} value={product.id}>{product.code} {product.name}</option>)}
        </Field>
      )}
      <Field name="note" label={t("production.note")} maxLength={2000} autoComplete="off" />
      <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("production.enter")}</button></div>
    </form>
  );
}

function CsvSheet({ siteId, onDone }) {
  const { run, busy, error, forget } = useAct();
  const [taken, setTaken] = useState(null);
  const choose = (event) => {
    const file = event.target.files?.[0];
    event.target.value = "";
    if (!file) return;
    setTaken(null);
    run(async () => {
      setTaken(await link().mutate("production.count_sheet", { site_id: siteId, sheet: await file.text() }));
      onDone();
    });
  };
  const faults = (error?.data?.issues ?? []).filter((issue) => String(issue.loc?.[0] ?? "") === "rows");
  return (
    <section className="stack">
      <h3>{t("production.by_sheet")}</h3>
      <p className="caption">{t("production.sheet_hint")}</p>
      <Field type="file" accept=".csv,text/csv,text/plain" disabled={busy} onClick={forget} onChange={choose} label={t("production.sheet_file")} />
      {taken && <p role="status">{t("production.sheet_taken", { entered: taken.entered, known: taken.known })}</p>}
      <Refusal message={messageOf(error)} />
      {faults.length > 0 && (
        <ul className="caption">
          {faults.slice(0, FAULTS_SHOWN).map((issue) => <li key={issue.loc.join(".")}>{t("production.row_fault", { row: issue.loc[1] ?? "", fault: issue.msg })}</li>)}
          {faults.length > FAULTS_SHOWN && <li>{t("production.more_faults", { count: faults.length - FAULTS_SHOWN })}</li>}
        </ul>
      )}
    </section>
  );
}

function Entered({ edit, code, onDone }) {
  const { run, busy, error } = useAct();
  const takeBack = () => run(async () => {
    await link().mutate("production.take_back", { shift_id: edit.shift_id, edit_id: edit.id });
    onDone();
  });
  return (
    <li>
      <span className="code">{code}</span> <strong>{number(edit.pieces)}</strong> {t("production.count_kind", { kind: edit.counted })}
      <span className="caption"><Moment at={edit.at} /> · {edit.said_by}{edit.note ? ` · ${edit.note}` : ""}</span>
      <button type="button" className="link" disabled={busy} onClick={takeBack}>{t("production.take_back")}</button>
      <ActError error={error} />
    </li>
  );
}
