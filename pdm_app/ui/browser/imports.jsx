/* History from files: hand one in, say what is what, try it, bring it in, and take it back. */
import { useEffect, useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { number, size } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { ImportList } from "./import_list.jsx";
import { ImportPlanForm } from "./import_plan.jsx";
import { isUnderWay, sendFile } from "./imports.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";

const LOOK_EVERY_MS = 1_000;

export const ImportsPage = guarded(function ImportsPage() {
  const imports = useQuery("imports.list");
  const [upload, setUpload] = useState(null);
  const busy = (imports.answer ?? []).some(isUnderWay);
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(imports.again, LOOK_EVERY_MS);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` is another function each time
  }, [busy]);
  const asked = () => { setUpload(null); imports.again(); };
  return (
    <div className="stack imports">
      {upload ? <ImportPlanForm key={upload.id} upload={upload} onAsked={asked} onClose={() => setUpload(null)} /> : <Drop onTaken={setUpload} />}
      {imports.error && !imports.answer && <section className="card"><ErrorNote what={t("imports.failed")} error={imports.error} again={imports.again} /></section>}
      {!imports.answer && !imports.error && <section className="card"><Skeleton height={120} /></section>}
      {imports.answer && <ImportList imports={imports.answer} onChanged={imports.again} />}
    </div>
  );
});

/** A place to drop a file, which is also a button that opens the file picker. */
function Drop({ onTaken }) {
  const picker = useRef(null);
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState(null); // {file, share}
  const { run, error } = useAct();
  const take = (file) => file && run(async () => {
    setSending({ file, share: 0 });
    try {
      onTaken(await sendFile(file, (share) => setSending({ file, share })));
    } finally {
      setSending(null);
    }
  });
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    <section className="card">
      <header className="card-head"><h2>{t("imports.hand_in")}</h2></header>
      <div className="imports-drop" data-over={over} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
        {sending ? (
          <>
            <p role="status">{t("imports.sending", { name: sending.file.name, size: size(sending.file.size) })}</p>
            <progress max={1} value={sending.share} aria-label={t("imports.sending", { name: sending.file.name, size: size(sending.file.size) })}>{number(100 * sending.share)}</progress>
          </>
        ) : (
          <>
            <p className="strong">{t("imports.drop")}</p>
            <p className="caption">{t("imports.kinds")}</p>
            <button type="button" className="button button-primary" onClick={() => picker.current.click()}>{t("imports.choose")}</button>
          </>
        )}
        <input ref={picker} type="file" className="visually-hidden" tabIndex={-1} aria-label={t("imports.choose")} accept=".csv,.txt,.tsv,.parquet,.xlsx" onChange={(event) => { take(event.target.files[0]); event.target.value = ""; }} />
      </div>
      <ActError error={error} />
    </section>
  );
}
