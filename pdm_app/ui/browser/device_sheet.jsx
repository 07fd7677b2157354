/* Many devices at once, from a sheet: what it would make and what is wrong with it, before anything is made. */
import { useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";

const EXAMPLE = "code,name,model,machine,hardware,hardware_revision,client\ngw-101,Gateway of hall 2,,,GW-100,B,rauc";
const CODES_SHOWN_MAX = 30;

export const DeviceSheet = guarded(function DeviceSheet({ siteId = "", rights = [] }) {
  const [open, setOpen] = useState(false);
  if (!siteId || !rights.includes("devices.configure")) return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>{t("device_sheet.open")}</button>
      {open && <Chosen siteId={siteId} onClose={() => setOpen(false)} />}
    </>
  );
});

function Chosen({ siteId, onClose }) {
  const picker = useRef(null);
  const [look, setLook] = useState(null); // {name, sheet, outcome}
  const { run, busy, error } = useAct();
  const ask = (sheet, only_look) => link().mutate("devices.take_sheet", { site_id: siteId, sheet, only_look });
  const read = (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) run(async () => {
      setLook(null);
      const sheet = await file.text();
      setLook({ name: file.name, sheet, outcome: await ask(sheet, true) });
    });
  };
  const take = () => run(async () => {
    await ask(look.sheet, false);
    window.location.reload(); // The list is the server's.
  });
  return (
    <Sheet title={t("device_sheet.title")} onClose={onClose} side>
      <div className="stack">
        <p className="muted">{t("device_sheet.text")}</p>
        <pre className="code block">{EXAMPLE}</pre>
        <div className="note-actions">
          <button type="button" className={look ? "button" : "button button-primary"} disabled={busy} onClick={() => picker.current.click()}>{t("imports.choose")}</button>
          <input ref={picker} type="file" accept=".csv,text/csv,text/plain" className="visually-hidden" tabIndex={-1} aria-label={t("imports.choose")} onChange={read} />
        </div>
        <ActError error={error} />
        {look && <Look look={look} busy={busy} onTake={take} />}
      </div>
    </Sheet>
  );
}

function Look({ look: { name, outcome }, busy, onTake }) {
  const { created, known, problems } = outcome;
  if (problems.length > 0) {
    return (
      <div role="alert">
        <p className="strong wraps">{t("device_sheet.wrong", { name, count: problems.length })}</p>
        <ul className="stack">
          {problems.map((one) => <li key={`${one.row} ${one.column} ${one.problem}`} className="wraps">{t("device_sheet.problem", { row: one.row, column: one.column, problem: one.problem, fix: one.fix })}</li>)}
        </ul>
      </div>
    );
  }
  return (
    <div role="status" className="stack">
      <p className="strong wraps">{t("device_sheet.would", { name, created: created.length, known })}</p>
      {created.length > 0 && <p className="code wraps">{created.slice(0, CODES_SHOWN_MAX).join(", ")}{created.length > CODES_SHOWN_MAX && " …"}</p>}
      <div className="note-actions"><button type="button" className="button button-primary" disabled={busy || created.length === 0} onClick={onTake}>{t("device_sheet.take", { count: created.length })}</button></div>
    </div>
  );
}
