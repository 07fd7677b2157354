/* Every signal in reach: what it says now, in which unit, where it comes from; added, changed, deleted with an undo. */
import { useCallback, useEffect, useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { usePlaces } from "./directory.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { LiveValue } from "./live_value.jsx";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { Recalculations, RecalculateSheet } from "./recalculations.jsx";
import { NEW, SignalSheet } from "./signal_sheet.jsx";
import { UndoNote } from "./undo.jsx";
import { unitSymbol } from "./format.js";

const PAGE = 50;
const TYPED_MS = 250;
const SHOWN = ["all", "derived", "deleted"];

/** The filter of the page, kept in its address: [{text, shown}, set]. */
function useFilter() {
  const [filter, setFilter] = useState({ text: "", shown: "all" });
  useEffect(() => {
    const asked = new URLSearchParams(globalThis.location.search);
    const shown = SHOWN.includes(asked.get("show")) ? asked.get("show") : "all";
    setFilter({ text: asked.get("q") ?? "", shown });
  }, []);
  const set = (change) => setFilter((before) => {
    const after = { ...before, ...change };
    const asked = new URLSearchParams();
    if (after.text) asked.set("q", after.text);
    if (after.shown !== "all") asked.set("show", after.shown);
    globalThis.history.replaceState(globalThis.history.state, "", `${globalThis.location.pathname}${asked.size ? `?${asked}` : ""}`);
    return after;
  });
  return [filter, set];
}

/** Signals page by page, or the derived ones: {items, faults, error, more, again}. */
function useSignals({ text, shown }, siteId) {
  const [state, setState] = useState({ items: null, faults: new Map(), cursor: null, error: null });
  const round = useRef(0);
  const load = useCallback(async (cursor = null) => {
    const mine = ++round.current;
    try {
      let items, faults = new Map(), next = null;
      if (shown === "derived") {
        const found = await link().query("formulas.signals", { site_id: siteId || null });
        const wanted = text.toLowerCase();
        items = found.map((each) => each.signal).filter((signal) => `${signal.name} ${signal.label}`.toLowerCase().includes(wanted));
        faults = new Map(found.map((each) => [each.signal.id, each.fault]));
      } else {
        const page = await link().query("signals.page", { text, site_id: siteId || null, deleted: shown === "deleted", cursor, limit: PAGE });
        items = page.items;
        next = page.next_cursor ?? null;
      }
      if (mine === round.current) setState((before) => ({ items: cursor ? [...before.items, ...items] : items, faults, cursor: next, error: null }));
    } catch (error) {
      if (mine === round.current) setState((before) => ({ ...before, error }));
    }
  }, [text, shown, siteId]);
  useEffect(() => {
    const timer = setTimeout(() => void load(), TYPED_MS);
    return () => clearTimeout(timer);
  }, [load]);
  return { ...state, again: () => load(), more: state.cursor ? () => load(state.cursor) : null };
}

export const SignalRegistry = guarded(function SignalRegistry({ siteId = "", mayConfigure = false }) {
  const [filter, setFilter] = useFilter();
  const { items, faults, error, more, again } = useSignals(filter, siteId);
  const { answer: connections } = useQuery("connections.list");
  const places = usePlaces();
  const [open, setOpen] = useState(null); // A record, or what a new one begins with.
  const [recalculated, setRecalculated] = useState(null);
  const [deleted, setDeleted] = useState(null);
  const search = useRef(null);
  useEffect(() => {
    const slash = (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      event.preventDefault();
      search.current?.focus();
    };
    globalThis.addEventListener("keydown", slash);
    return () => globalThis.removeEventListener("keydown", slash);
  }, []);
  const names = new Map((connections ?? []).map(({ connection }) => [connection.id, connection.name]));
  const derivedOnly = filter.shown === "derived";
  return (
    <div className="stack">
      <div className="signal-tools">
        <input ref={search} type="search" className="input" value={filter.text} placeholder={t("signals.search")} aria-label={t("signals.search")} onChange={(event) => setFilter({ text: event.target.value })} />
        <div className="segments" role="group" aria-label={t("signals.shown")}>
          {SHOWN.filter((shown) => shown !== "deleted" || mayConfigure).map((shown) => (
            <button key={shown} type="button" className="segment" aria-pressed={filter.shown === shown} onClick={() => setFilter({ shown })}>{t("signals.show", { shown })}</button>
          ))}
        </div>
        {mayConfigure && (
          <span className="note-actions push">
            <button type="button" className="button" onClick={() => setOpen(NEW)}>{t("signals.add")}</button>
            <button type="button" className="button button-primary" onClick={() => setOpen({ ...NEW, formula: "" })}>{t("signals.add_derived")}</button>
          </span>
        )}
      </div>
      {deleted && (
        <UndoNote
          key={deleted.id} what={t("signals.deleted", { name: deleted.label })} onOver={() => setDeleted(null)}
          onUndo={async () => {
            await link().mutate("signals.restore", { signal_id: deleted.id });
            setDeleted(null);
            await again();
          }}
        />
      )}
      {derivedOnly && <Recalculations mayConfigure={mayConfigure} />}
      <section className="card people">
        {error && <ErrorNote what={t("signals.failed")} error={error} again={again} compact={Boolean(items)} />}
        {!items && !error && <Skeleton height={220} />}
        {items?.length === 0 && <EmptyNote title={t(filter.text ? "signals.none_found" : derivedOnly ? "signals.no_derived" : "signals.none")} text={t(derivedOnly ? "signals.no_derived_hint" : "signals.none_hint")} />}
        {items?.length > 0 && (
          <table className="table people-table signal-table">
            <thead>
              <tr>
                <th>{t("asset.signal")}</th>
                <th>{t("devices.asset")}</th>
                <th className="right">{t("asset.value")}</th>
                <th>{t("signals.field.unit")}</th>
                <th>{t(derivedOnly ? "signals.formula" : "signals.source")}</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.map((signal) => (
                <Row
                  key={signal.id} signal={signal} asset={places.get(signal.asset_id)?.asset} fault={faults.get(signal.id) ?? ""} connection={names.get(signal.connection_id)}
                  isDeleted={filter.shown === "deleted"} mayConfigure={mayConfigure} onEdit={() => setOpen(signal)} onRecalculate={() => setRecalculated(signal)} onChanged={again}
                  onDeleted={() => { setDeleted(signal); again(); }}
                />
              ))}
            </tbody>
          </table>
        )}
        {more && <button type="button" className="button" onClick={more}>{t("signals.more")}</button>}
      </section>
      {open && <SignalSheet key={open.id ?? "new"} signal={open} onStale={again} onClose={() => setOpen(null)} onSaved={(made) => { setOpen(null); again(); if (made.formula && made.formula !== open.formula) setRecalculated(made); }} />}
      {recalculated && <RecalculateSheet signal={recalculated} onClose={() => setRecalculated(null)} onAsked={() => { setRecalculated(null); setFilter({ shown: "derived" }); }} />}
    </div>
  );
});

function Row({ signal, asset, fault, connection, isDeleted, mayConfigure, onEdit, onRecalculate, onChanged, onDeleted }) {
  const { run, busy, error } = useAct();
  const remove = () => run(async () => {
    await link().mutate("signals.delete", { signal_id: signal.id, revision: signal.revision });
    onDeleted();
  });
  const restore = () => run(async () => {
    await link().mutate("signals.restore", { signal_id: signal.id });
    onChanged();
  });
  const hasUnit = signal.unit !== "1" || signal.data_type === "boolean" || signal.data_type === "text";
  return (
    <tr data-signal-row={signal.id}>
      <td>
        <span className="strong">{signal.label}</span>
        <div className="code caption">{signal.name}</div>
        {fault && <p className="field-error">{fault}</p>}
        <ActError error={error} />
      </td>
      <td data-label={t("devices.asset")}>{asset ? <a className="link code" href={`/asset/${asset.id}`}>{asset.code}</a> : "–"}</td>
      <td data-label={t("asset.value")} className="right">{isDeleted ? "–" : <LiveValue signal={signal} size="body" showUnit={false} />}</td>
      <td data-label={t("signals.field.unit")}>{hasUnit ? unitSymbol(signal.unit) || "–" : <span className="chip" title={t("signals.no_unit_hint")}>{t("signals.no_unit")}</span>}</td>
      <td data-label={t(signal.formula ? "signals.formula" : "signals.source")} className="signal-source">
        {signal.formula ? <span className="code caption">{signal.formula}</span> : signal.connection_id ? <>{connection ?? "–"} <span className="caption">{t("signals.every", { seconds: signal.poll_every_s })}</span></> : t("signals.source_http")}
      </td>
      <td className="right">
        {mayConfigure && !isDeleted && (
          <span className="row-actions">
            <button type="button" className="link" onClick={onEdit} aria-label={t("signals.edit_named", { name: signal.label })}>{t("action.edit")}</button>
            {signal.formula && <button type="button" className="link" onClick={onRecalculate}>{t("signals.recalculate")}</button>}
            <button type="button" className="link" disabled={busy} onClick={remove} aria-label={t("signals.delete_named", { name: signal.label })}>{t("action.delete")}</button>
          </span>
        )}
        {isDeleted && <button type="button" className="link" disabled={busy} onClick={restore}>{t("signals.restore")}</button>}
      </td>
    </tr>
  );
}
