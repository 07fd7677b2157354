/* Sinks: where copies of samples go, how each is doing, and what to do where one is not. */
import { useEffect, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Field, faultOf, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { Age, EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { NEW_SINK, SinkForm } from "./sink_form.jsx";
import { UndoNote } from "./undo.jsx";

const FOLLOWED_MS = 3_000;

export const Sinks = guarded(function Sinks({ siteId = "" }) {
  const { answer, error, again } = useQuery("sinks.list", { site_id: siteId || null });
  const kinds = useQuery("sinks.kinds", {});
  const [open, setOpen] = useState(null);
  const [deleted, setDeleted] = useState(null);
  useEffect(() => {
    const timer = setInterval(again, FOLLOWED_MS);
    return () => clearInterval(timer);
  }, [again]);
  if (error && !answer) return <section className="card"><ErrorNote what={t("sinks.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={120} /></section>;
  const close = () => { setOpen(null); again(); };
  const tried = Object.fromEntries((kinds.answer ?? []).map((one) => [one.kind, one.tried_with]));
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("sinks.list")}</h2>
        {siteId && <button type="button" className="button button-primary push" onClick={() => setOpen({ sheet: "form", sink: { ...NEW_SINK, site_id: siteId } })}>{t("sinks.add")}</button>}
      </header>
      <p className="muted">{t("sinks.hint")}</p>
      {deleted && (
        <UndoNote
          key={deleted.id} what={t("sinks.deleted", { name: deleted.name })} onOver={() => setDeleted(null)}
          onUndo={async () => {
            await link().mutate("sinks.restore", { sink_id: deleted.id });
            setDeleted(null);
            again();
          }}
        />
      )}
      {answer.length === 0 && <EmptyNote title={t("sinks.empty")} text={t("sinks.empty_hint")} />}
      {answer.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("sinks.sink")}</th><th>{t("sinks.how")}</th><th>{t("sinks.written")}</th><th className="right">{t("sinks.signals")}</th><th className="right">{t("sinks.rate")}</th></tr></thead>
          <tbody>
            {answer.map((view) => <SinkRow key={view.sink.id} view={view} onOpen={(sheet) => setOpen({ sheet, sink: view.sink, has_secret: view.has_secret })} />)}
          </tbody>
        </table>
      )}
      {open?.sheet === "form" && (
        <Sheet title={open.sink.id ? open.sink.name : t("sinks.add")} onClose={close} side>
          <SinkForm key={open.sink.id ?? "new"} sink={open.sink} hasSecret={Boolean(open.has_secret)} tried={tried} onDone={close} onDeleted={(gone) => { setDeleted(gone); close(); }} />
        </Sheet>
      )}
      {open?.sheet === "move" && <MoveSheet sink={open.sink} onClose={close} />}
    </section>
  );
});

/** Where it goes, in a few words. */
export function placeOf(options) {
  if (options.kind === "postgresql") return `${options.host}:${options.port}/${options.database} · ${options.table}`;
  if (options.kind === "influxdb") return `${options.url} · ${options.database} · ${options.measurement}`;
  return t("sinks.in_folder", { folder: options.folder });
}

function SinkRow({ view, onOpen }) {
  const { sink, status } = view;
  const state = !sink.enabled ? "off" : status.problem ? "failing" : status.behind > 0 && status.lag_s > 60 ? "catching_up" : "well";
  return (
    <tr>
      <td>
        <button type="button" className="link" onClick={() => onOpen("form")}>{sink.name}</button>
        <div className="caption">{t("sinks.kind", { kind: sink.options.kind })} · <span className="code" style={{ overflowWrap: "anywhere" }}>{placeOf(sink.options)}</span></div>
      </td>
      <td data-label={t("sinks.how")}>
        {t("sinks.state", { state })}
        {status.behind > 0 && <div className="caption">{t("sinks.behind", { signals: status.behind, lag: lagOf(status.lag_s) })}</div>}
        {status.late > 0 && <div className="caption">{t("sinks.late", { count: status.late })}</div>}
        {status.anew > 0 && <div className="caption">{t("sinks.anew", { count: status.anew })}</div>}
        {sink.enabled && status.problem && <p className="note note-error" data-compact="true">{status.problem}</p>}
        {status.refused_total > 0 && <p className="note" data-compact="true">{t("sinks.refused", { count: status.refused_total })}</p>}
        {status.gap && <p className="note note-error" data-compact="true">{status.gap}</p>}
        {status.outdated && <p className="note" data-compact="true">{status.outdated}</p>}
      </td>
      <td data-label={t("sinks.written")}>
        {status.written_at ? <Age since={status.written_at} /> : "–"}
        {status.newest_at && <div className="caption">{t("sinks.newest")} <Moment at={status.newest_at} /></div>}
        <div><button type="button" className="button button-small" onClick={() => onOpen("move")}>{t("sinks.move")}</button></div>
      </td>
      <td data-label={t("sinks.signals")} className="right">{number(status.signals)}</td>
      <td data-label={t("sinks.rate")} className="right">{t("sinks.figures", { rate: number(status.samples_per_s, 1), total: number(status.samples_total) })}</td>
    </tr>
  );
}

function lagOf(seconds) {
  if (seconds < 120) return t("sinks.lag_s", { count: Math.round(seconds) });
  if (seconds < 7200) return t("sinks.lag_min", { count: Math.round(seconds / 60) });
  return t("sinks.lag_h", { count: Math.round(seconds / 3600) });
}

/** From when on samples are sent: again from earlier on, or without what lies before a later time. */
function MoveSheet({ sink, onClose }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const at = new Date(String(new FormData(event.currentTarget).get("from"))).getTime() * 1000;
    run(async () => {
      await link().mutate("sinks.go_on_from", { sink_id: sink.id, from_at: at });
      onClose();
    });
  };
  return (
    <Sheet title={t("sinks.move_of", { name: sink.name })} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["from_at"])} />
        <p className="muted">{t("sinks.move_hint")}</p>
        <Field name="from" type="datetime-local" step={1} required label={t("sinks.from")} hint={t("sinks.from_hint")} error={faultOf(error, "from_at")} />
        <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("sinks.move_do")}</button></div>
      </form>
    </Sheet>
  );
}
