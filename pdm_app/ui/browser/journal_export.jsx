/* The alarm journal as a file, with the filter of the page in force. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { fetchFile, How, Made, written } from "./export_sheet.jsx";
import { messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { number, size } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";

/** The filter as the page applies it; empty ones do not matter. `since` and `until` are the days of `startAt` and `endAt`. */
export const JournalExport = guarded(function JournalExport({ text = "", kind = "", priority = "", since = "", until = "", startAt = null, endAt = null }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>{t("journal.export")}</button>
      {open && <ExportSheet filter={filterOf({ text, kind, priority, startAt, endAt })} days={[since, until]} onClose={() => setOpen(false)} />}
    </>
  );
});

/** The filter as the RPC wants it. */
function filterOf({ text, kind, priority, startAt, endAt }) {
  return {
    ...(text ? { text } : {}), ...(kind ? { kinds: [kind] } : {}), ...(priority ? { priorities: [Number(priority)] } : {}),
    ...(startAt === null ? {} : { start_at: startAt }), ...(endAt === null ? {} : { end_at: endAt }),
  };
}

function ExportSheet({ filter, days, onClose }) {
  const plant = useZone();
  const [choice, setChoice] = useState({ format: "csv", style: 0, zone: plant });
  const choose = (changes) => setChoice((before) => ({ ...before, ...changes }));
  const order = { ...filter, ...written(choice) };
  const { answer: estimate, error: refused } = useQuery("exports.estimate_journal", order);
  const made = useQuery("exports.list");
  const { run, busy, error } = useAct();
  const ask = (event) => {
    event.preventDefault();
    run(async () => {
      const done = await link().mutate("exports.create_journal", order);
      if (done.state === "done") fetchFile(done);
      made.again();
    });
  };
  return (
    <Sheet title={t("journal.export")} onClose={onClose}>
      <form className="entrance-form" onSubmit={ask}>
        <p>{t("journal.export_of", { filtered: String(Object.keys(filter).length > 0) })}{" "}<span className="caption">{filterWords(filter, days)}</span></p>
        <How {...{ choice, choose, plant }} />
        {estimate && <p className="caption" role="status">{estimate.refused || t("exports.estimate", { rows: number(estimate.rows), size: size(estimate.bytes), large: String(estimate.is_large) })}</p>}
        <Refusal message={messageOf(error ?? refused)} />
        <div className="note-actions">
          <button type="submit" className="button button-primary" disabled={busy || Boolean(refused) || Boolean(estimate?.refused)}>{t("exports.make")}</button>
          <button type="button" className="button" onClick={onClose}>{t("action.close")}</button>
        </div>
      </form>
      <Made {...made} />
    </Sheet>
  );
}

function filterWords({ text, kinds = [], priorities = [] }, [since, until]) {
  const said = [
    (since || until) && `${since} – ${until}`,
    text && `“${text}”`,
    ...kinds.map((kind) => t("journal.kind", { kind })),
    ...priorities.map((priority) => t("journal.one_priority", { priority })),
  ];
  return said.filter(Boolean).join(", ");
}
