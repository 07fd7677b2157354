/* The trend workspace: up to eight signals and expressions by unit over one time, two marks with figures between them. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { duration, number, unitSymbol } from "./format.js";
import { usePlaces } from "./directory.js";
import { ExportSheet, mayExport } from "./export_sheet.jsx";
import { Check, Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, KeyHint, Skeleton } from "./parts.jsx";
import { RunChoice } from "./run_choice.jsx";
import { RunLanes } from "./run_lanes.jsx";
import { usePeriodInAddress } from "./trend_history.js";
import { boundsOf, following, fromQuery, moved, SPANS_S, toQuery } from "./trend_period.js";
import { inUnits } from "./units_shown.js";
import { columnsIn, useRecords, useWorkspaceData } from "./workspace_data.js";
import { WorkspaceFigures } from "./workspace_figures.jsx";
import { Lanes } from "./workspace_lanes.jsx";
import { mayWrite, NoteList, NoteSheet, useNotes } from "./workspace_notes.jsx";
import { SeriesList } from "./workspace_series.jsx";
import { added, csvOf, keyOf, marked, OVERLAYS, removed, toggled, viewOf, within, withView } from "./workspace_state.js";
import { WorkspaceTable } from "./workspace_table.jsx";
import { ViewsFault, ViewTools } from "./workspace_views.jsx";

const ADDRESS_MS = 300;
const SPAN_S = 3_600;
const NOTHING = [];
const NO_MARKS = { a: null, b: null };
const EARLIER_S = [0, 86_400, 604_800];
const KEYS = [["← →", "cursor"], ["+ −", "zoom"], ["[ ]", "move"], ["M", "mark"], ["L", "live"], ["F", "full"], ["?", "help"]];

/** The view, kept in the page's address: [view, change]. */
function useView() {
  const [view, setView] = useState(() => viewOf(new URLSearchParams(globalThis.location.search)));
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = useCallback((how) => setView((before) => {
    const after = { ...before, ...how(before) };
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const query = withView(after, new URLSearchParams(globalThis.location.search));
      globalThis.history.replaceState(globalThis.history.state, "", `?${query}`);
    }, ADDRESS_MS);
    return after;
  }), []);
  return [view, change];
}

/** What it shows stands in the address, which only a browser has: nothing is drawn while the page is built. */
export const TrendWorkspace = guarded(function TrendWorkspace() {
  const [isInBrowser, setIsInBrowser] = useState(false);
  useEffect(() => setIsInBrowser(true), []);
  return isInBrowser ? <Workspace /> : <Skeleton height={320} />;
});

/* Views that were kept, the one that is open, and the one that its owner wants to see first. */
function useViews(view, change, period, setPeriod) {
  const { answer: views, error, again } = useQuery("views.list");
  const { answer: me } = useQuery("auth.me");
  const [opened, setOpened] = useState(null);
  const greeted = useRef(view.list.length > 0);
  const open = useCallback((kept) => {
    const params = new URLSearchParams(kept.address);
    change(() => viewOf(params));
    setPeriod(fromQuery(params) ?? following(SPAN_S * 1e6));
    setOpened(kept);
  }, [change, setPeriod]);
  useEffect(() => {
    if (greeted.current || !views || !me) return;
    greeted.current = true;
    const first = views.find((each) => each.is_default && each.owner_id === me.user_id);
    if (first) open(first);
  }, [views, me, open]);
  const address = () => withView(view, toQuery(period, new URLSearchParams())).toString();
  return { views, error, again, me, opened, address, open, onSaved: setOpened };
}

function Workspace() {
  const [view, change] = useView();
  const [period, setPeriod] = usePeriodInAddress(SPAN_S);
  const [note, setNote] = useState(null);
  const [asksKeys, setAsksKeys] = useState(false);
  const [taken, setTaken] = useState(null);
  const kept = useViews(view, change, period, setPeriod);
  const places = usePlaces();
  const zone = useZone();
  const whole = useRef(null);
  const { records: native, missing } = useRecords(view.list);
  const records = useMemo(() => new Map([...native].map(([id, record]) => [id, inUnits(record)])), [native]);
  const first = view.list.map((series) => records.get(series.signal)).find(Boolean);
  const home = first?.asset_id ?? null;
  const onRuns = view.runs.length > 0;
  const data = useWorkspaceData(onRuns ? NOTHING : view.list, home, period, view.earlier_s);
  const { found, earlier } = useMemo(() => shownIn(native, data), [native, data.version]);
  const readouts = useRef(new Map());
  const codeOf = useCallback((assetId) => places.get(assetId)?.asset.code ?? "", [places]);
  const named = useCallback((series) => {
    const record = records.get(series.signal);
    return record ? `${codeOf(record.asset_id)} ${record.label}`.trim() : (series.formula ?? t("trends.unknown", { number: series.signal }));
  }, [records, codeOf]);
  const unitOf = useCallback((series) => unitSymbol(records.get(series.signal)?.unit ?? "1") || found.get(keyOf(series))?.unit || "", [records, found]);
  const decimalsOf = useCallback((series) => records.get(series.signal)?.decimals ?? 2, [records]);
  const mark = useCallback((at) => change(({ marks }) => ({ marks: marked(marks, Math.round(at)) })), [change]);
  const drawn = useMemo(() => view.list.filter((series) => found.get(keyOf(series))?.columns), [view.list, found]);
  const assetIds = [...new Set(view.list.map((series) => records.get(series.signal)?.asset_id).filter(Boolean))];
  const shows = (overlay) => !view.hidden.includes(overlay);
  const notes = useNotes(shows("notes") ? assetIds : [], data.settled);
  const { from, to } = data.settled ?? boundsOf(period, link().clock.now());
  const inView = (series) => within(found.get(keyOf(series)).columns, from, to);
  const save = () => download(csvOf(drawn.map(named), drawn.map(inView)));
  const exportable = drawn.filter((series) => series.signal).map((series) => ({ id: series.signal, name: named(series) }));
  const write = () => setNote(noteAt(view.marks, (from + to) / 2));
  const full = () => (document.fullscreenElement ? document.exitFullscreen() : whole.current?.requestFullscreen?.());
  const subjects = [
    ...assetIds.map((id) => ({ name: codeOf(id), asset_id: id, signal_id: null })),
    ...drawn.filter((series) => records.has(series.signal)).map((series) => ({ name: named(series), asset_id: records.get(series.signal).asset_id, signal_id: series.signal })),
  ];
  // A gesture draws the lanes anew with each frame, and nothing that is the same beside them.
  const side = useMemo(() => (
    <>
        <SeriesList
          {...{ list: view.list, records: native, missing, found, named, unitOf, decimalsOf, readouts, home }}
          add={(series) => change(({ list }) => ({ list: added(list, series) }))} drop={(key) => change(({ list }) => ({ list: removed(list, key) }))}
        />
        {!onRuns && <Overlays view={view} change={change} shows={shows} />}
        <RunChoice runs={view.runs} assetId={home} toggle={(id) => change(({ runs }) => ({ runs: toggled(runs, id), elapsed: null }))} clear={() => change(() => ({ runs: [], elapsed: null }))} />
    </>
    // eslint-disable-next-line react-hooks/exhaustive-deps -- all else follows from these
  ), [view, change, native, missing, found, named, unitOf, decimalsOf, home, onRuns]);
  const foot = useMemo(() => (
    <>
      <Gaps gaps={data.gaps} from={from} to={to} />
      {drawn.length > 0 && data.settled && <Cost {...{ found, drawn, inView, data }} />}
      {drawn.length > 0 && <WorkspaceFigures {...{ list: drawn, records: native, found, marks: view.marks, settled: data.settled, named, unitOf, decimalsOf, zone }} />}
    </>
    // eslint-disable-next-line react-hooks/exhaustive-deps -- all else follows from these
  ), [data.version, data.settled, drawn, found, native, view.marks, named, unitOf, decimalsOf, zone]);
  return (
    <div className="workspace" ref={whole} data-filled={view.list.length > 0}>
      <aside className="card workspace-side">
        {side}
      </aside>
      <section className="card workspace-main">
        <header className="workspace-head">
          {!onRuns && <Times {...{ period, setPeriod }} />}
          <span className="workspace-tools push"><ViewTools {...kept} /></span>
        </header>
        <ViewsFault error={kept.error} again={kept.again} />
        <p className="workspace-links">
          {!onRuns && (view.marks.a !== null || view.marks.b !== null) && <button type="button" className="link" onClick={() => change(() => ({ marks: NO_MARKS }))}>{t("trends.no_marks")}</button>}
          {subjects.length > 0 && mayWrite(kept.me) && <button type="button" className="link" onClick={write}>{t("notes.write")}</button>}
          <button type="button" className="link" disabled={!drawn.length} aria-pressed={view.isTable} onClick={() => change(({ isTable }) => ({ isTable: !isTable }))}>{t(view.isTable ? "trend.as_chart" : "trend.as_table")}</button>
          <button type="button" className="link" disabled={!drawn.length} onClick={save}>{t("trends.csv")}</button>
          {exportable.length > 0 && mayExport(kept.me) && <button type="button" className="link" onClick={() => setTaken({ from, to })}>{t("exports.open")}</button>}
          <ShareLink />
          <button type="button" className="link" onClick={() => setAsksKeys(true)}>{t("trends.keys")}</button>
        </p>
        {data.error && <ErrorNote what={t("trends.failed")} error={data.error} again={data.again} compact />}
        {view.list.length === 0 && <EmptyNote title={t("trends.empty")} text={t("trends.empty_hint")} />}
        {drawn.length === 0 && data.loading && view.list.length > 0 && !onRuns && <Skeleton height={320} />}
        {drawn.length > 0 && view.isTable && <WorkspaceTable {...{ list: drawn, found, from, to, named, unitOf, decimalsOf, zone }} />}
        {onRuns && <OnRuns {...{ view, change, native, named, unitOf, decimalsOf }} />}
        {view.list.length > 0 && !onRuns && !view.isTable && (
          <Lanes
            {...{ list: drawn, records, data, found, earlier, period, setPeriod, named, unitOf, decimalsOf, readouts, mark, codeOf, zone, full }} envelope={shows("envelope")} marks={view.marks}
            earlier_s={view.earlier_s} assetIds={shows("alarms") ? assetIds : []} notes={shows("notes") ? notes.notes : null} onNote={setNote} onHelp={() => setAsksKeys(true)}
          />
        )}
        {foot}
        <NoteList {...notes} me={kept.me} onOpen={setNote} nameOf={(one) => (one.signal_id && records.has(one.signal_id) ? named({ signal: one.signal_id }) : codeOf(one.asset_id))} />
      </section>
      {note && <NoteSheet key={note.id ?? "new"} {...{ note, subjects, me: kept.me }} onClose={() => setNote(null)} onDone={notes.again} />}
      {taken && <ExportSheet signals={exportable} {...taken} onClose={() => setTaken(null)} />}
      {asksKeys && <KeySheet onClose={() => setAsksKeys(false)} />}
    </div>
  );
}

/* The signals of the view in the runs that were chosen; expressions are of times, not of runs. */
function OnRuns({ view, change, native, named, unitOf, decimalsOf }) {
  const signals = view.list.filter((series) => native.has(series.signal)).map((series) => ({ record: native.get(series.signal), name: named(series), unit: unitOf(series), decimals: decimalsOf(series) }));
  const setElapsed = useCallback((elapsed) => change(() => ({ elapsed })), [change]);
  return (
    <>
      {view.list.some((series) => series.formula) && <p className="caption">{t("runs.no_expressions")}</p>}
      {signals.length > 0 && <RunLanes {...{ signals, runs: view.runs, elapsed: view.elapsed, setElapsed }} />}
    </>
  );
}

/* Columns in the units of the reader. */
function shownIn(records, { found, earlier }) {
  const turned = (key, columns) => columnsIn(records.get(Number(key)), columns);
  return {
    found: new Map([...found].map(([key, one]) => [key, one.columns ? { ...one, columns: turned(key, one.columns) } : one])),
    earlier: new Map([...earlier].map(([key, columns]) => [key, turned(key, columns)])),
  };
}

/* A note is about the span between the marks, about the one mark there is, else about the middle of what is shown. */
function noteAt({ a, b }, middle) {
  const at = Math.round(a ?? b ?? middle);
  return { start_at: at, end_at: a !== null && b !== null && b > a ? b : null };
}

function Times({ period, setPeriod }) {
  const step = (share) => () => setPeriod((before) => moved(before, share, link().clock.now()));
  return (
    <>
      <div className="segments" role="group" aria-label={t("trend.span")}>
        {SPANS_S.map((seconds) => (
          <button key={seconds} type="button" className="segment" aria-pressed={period.live && period.span_us === seconds * 1e6} onClick={() => setPeriod(following(seconds * 1e6))}>{duration(seconds)}</button>
        ))}
      </div>
      <button type="button" className="button button-icon" aria-label={t("trends.back")} onClick={step(-0.5)}>‹</button>
      <button type="button" className="button button-icon" aria-label={t("trends.forth")} onClick={step(0.5)}>›</button>
      {!period.live && <button type="button" className="button" onClick={() => setPeriod(following(period.span_us))}>{t("trend.live")}</button>}
    </>
  );
}

function Overlays({ view, change, shows }) {
  const turn = (overlay) => () => change(({ hidden }) => ({ hidden: OVERLAYS.filter((each) => (each === overlay) !== hidden.includes(each)) }));
  const words = { alarms: t("trend.alarms"), envelope: t("trends.envelope"), notes: t("notes.lane") };
  return (
    <fieldset className="workspace-overlay">
      <legend>{t("trends.overlay")}</legend>
      {OVERLAYS.map((overlay) => <Check key={overlay} label={words[overlay]} checked={shows(overlay)} onChange={turn(overlay)} />)}
      <label className="field">
        <span className="field-label">{t("trends.earlier")}</span>
        <select className="input" value={view.earlier_s} onChange={(event) => change(() => ({ earlier_s: Number(event.target.value) }))}>
          {EARLIER_S.map((seconds) => <option key={seconds} value={seconds}>{t("trends.earlier_of", { seconds })}</option>)}
        </select>
      </label>
    </fieldset>
  );
}

/* What of the time that is shown cannot be read, or was removed: a gap that is not the machine's. */
function Gaps({ gaps, from, to }) {
  const inView = gaps.filter((gap) => gap.end_at > from && gap.start_at < to);
  if (!inView.length) return null;
  return (
    <div className="note note-error workspace-gaps" data-compact="true" role="status">
      <p className="note-title">{t("trends.gaps")}</p>
      {inView.map((gap) => <p key={`${gap.kind} ${gap.tier} ${gap.start_at}`} className="note-text">{gap.text}</p>)}
    </div>
  );
}

/* Where the answer came from, how much it stands for, and how long it took. */
function Cost({ found, drawn, inView, data }) {
  const tiers = [...new Set([...found.values()].map((one) => one.tier).filter(Boolean))].map((tier) => (tier === "raw" ? tier : `r${tier.replace("s", "")}`)).join(", ") || t("trends.reckoned");
  const points = drawn.reduce((sum, series) => sum + inView(series)[0].length, 0);
  return (
    <p className="trend-foot caption">
      <span>{t("trends.cost", { tiers, read: number(data.points_read), drawn: number(points), took: number(data.took_ms, 0) })}</span>
      <span>{t("trends.hint")}</span>
    </p>
  );
}

function KeySheet({ onClose }) {
  return (
    <Sheet title={t("trends.keys")} onClose={onClose}>
      <dl className="sheet-keys">
        {KEYS.map(([keys, what]) => [<dt key={keys}>{keys.split(" ").map((key) => <KeyHint key={key}>{key}</KeyHint>)}</dt>, <dd key={what}>{t("trends.key", { what })}</dd>])}
      </dl>
    </Sheet>
  );
}

function download(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const anchor = Object.assign(document.createElement("a"), { href: address, download: "trend.csv" });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 1_000);
}

function ShareLink() {
  const [copied, setCopied] = useState(false);
  if (!globalThis.navigator?.clipboard) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(globalThis.location.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return <button type="button" className="link" onClick={copy}>{t(copied ? "trends.copied" : "trends.share")}</button>;
}
