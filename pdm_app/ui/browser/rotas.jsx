/* Who is on call: each rota with who is on call now and who comes next, and the form of one. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Check, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const TURNS_MAX = 60;

export function Rotas({ siteId, mayChange }) {
  const { answer, error, again } = useQuery("rotas.list", { site_id: siteId });
  const { answer: people } = useQuery("rotas.people", { site_id: siteId });
  const [open, setOpen] = useState(null);
  const [removed, setRemoved] = useState(null);
  const names = Object.fromEntries((people ?? []).map((person) => [person.id, person.display_name]));
  const said = (ids) => ids.map((id) => names[id] ?? id).join(", ");
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("rotas.title")}</h2>
        {mayChange && <button type="button" className="button push" onClick={() => setOpen({ name: "", handover: "08:00", turn_days: 7, turns: [{ user_ids: [] }], crews: [], stand_ins: [] })}>{t("rotas.add")}</button>}
      </header>
      <p className="muted">{t("rotas.hint")}</p>
      {removed && (
        <UndoNote
          key={removed.id} what={t("rotas.removed", { name: removed.name })} onOver={() => setRemoved(null)}
          onUndo={async () => {
            const { id, revision, ...facts } = removed;
            await link().mutate("rotas.add", { facts });
            setRemoved(null);
            again();
          }}
        />
      )}
      {!answer && (error ? <ErrorNote what={t("rotas.failed")} error={error} again={again} /> : <Skeleton height={80} />)}
      {answer?.length === 0 && <EmptyNote title={t("rotas.empty")} text={t("rotas.empty_hint")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead><tr><th>{t("notices.name")}</th><th>{t("rotas.now")}</th><th>{t("rotas.until")}</th><th>{t("rotas.next")}</th></tr></thead>
          <tbody>
            {answer.map(({ rota, now, following }) => (
              <tr key={rota.id}>
                <td>{mayChange ? <button type="button" className="link" onClick={() => setOpen(rota)}>{rota.name}</button> : rota.name}</td>
                <td data-label={t("rotas.now")}>{now.user_ids.length > 0 ? said(now.user_ids) : t("rotas.nobody")}</td>
                <td data-label={t("rotas.until")}>{now.end_at ? <Moment at={now.end_at} /> : "–"}</td>
                <td data-label={t("rotas.next")}>{following?.user_ids.length > 0 ? said(following.user_ids) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && (
        <Sheet title={open.id ? open.name : t("rotas.add")} onClose={() => setOpen(null)} side>
          <RotaForm key={open.id ?? "new"} rota={open} siteId={siteId} people={people ?? []} onDone={() => { setOpen(null); again(); }}
            onRemoved={(gone) => { setOpen(null); setRemoved(gone); again(); }} />
        </Sheet>
      )}
    </section>
  );
}

function RotaForm({ rota, siteId, people, onDone, onRemoved }) {
  const [way, setWay] = useState(rota.crews.length > 0 ? "crews" : "turns");
  const [turns, setTurns] = useState(rota.turns.length > 0 ? rota.turns : [{ user_ids: [] }]);
  const [crews, setCrews] = useState(rota.crews.length > 0 ? rota.crews : [{ crew: "", user_ids: [] }]);
  const [standIns, setStandIns] = useState(rota.stand_ins);
  const { run, busy, error } = useAct();
  const put = (list, place, facts) => list.map((each, other) => (other === place ? { ...each, ...facts } : each));
  const without = (list, place) => list.filter((_, other) => other !== place);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name, usual) => String(form.get(name) ?? usual);
    const facts = {
      site_id: siteId, name: said("name", "").trim(), anchor: said("anchor", rota.anchor ?? today()), handover: said("handover", rota.handover),
      turn_days: Number(said("turn_days", rota.turn_days)), turns: way === "turns" ? turns : [], crews: way === "crews" ? crews : [], stand_ins: standIns,
    };
    run(async () => {
      if (rota.id) await link().mutate("rotas.change", { rota_id: rota.id, facts, revision: rota.revision });
      else await link().mutate("rotas.add", { facts });
      onDone();
    });
  };
  const remove = () => run(async () => onRemoved(await link().mutate("rotas.remove", { rota_id: rota.id })));
  const rows = way === "turns" ? turns : crews;
  const setRows = way === "turns" ? setTurns : setCrews;
  return (
    <form className="entrance-form" onSubmit={submit}>
      <Refusal message={messageOf(error)} />
      <Field name="name" label={t("notices.name")} defaultValue={rota.name} required maxLength={120} autoComplete="off" autoFocus={!rota.id} />
      <Field as="select" label={t("rotas.way")} value={way} onChange={(event) => setWay(event.target.value)}>
        <option value="turns">{t("rotas.way_of.turns")}</option>
        <option value="crews">{t("rotas.way_of.crews")}</option>
      </Field>
      {way === "turns" && (
        <>
          <Field name="anchor" type="date" required label={t("rotas.anchor")} defaultValue={rota.anchor ?? today()} />
          <div className="form-row">
            <Field name="handover" type="time" required label={t("rotas.handover")} defaultValue={rota.handover} />
            <Field name="turn_days" type="number" min={1} max={56} required label={t("rotas.turn_days")} defaultValue={rota.turn_days} />
          </div>
        </>
      )}
      {rows.map((row, place) => (
        <fieldset key={`${way} ${place}`} className="choice-list notice-step">
          <legend className="field-label">{t(way === "turns" ? "rotas.turn" : "rotas.crew_number", { number: place + 1 })}</legend>
          {way === "crews" && <Field label={t("shifts.crew")} required maxLength={40} autoComplete="off" value={row.crew} onChange={(event) => setCrews(put(crews, place, { crew: event.target.value }))} />}
          <div className="choice-box">
            {people.map((person) => (
              <Check key={person.id} label={person.display_name} checked={row.user_ids.includes(person.id)}
                onChange={() => setRows(put(rows, place, { user_ids: row.user_ids.includes(person.id) ? row.user_ids.filter((each) => each !== person.id) : [...row.user_ids, person.id] }))} />
            ))}
          </div>
          {rows.length > 1 && <div className="note-actions"><button type="button" className="button button-small" onClick={() => setRows(without(rows, place))}>{t("rotas.turn_remove")}</button></div>}
        </fieldset>
      ))}
      {rows.length < TURNS_MAX && (
        <div className="note-actions"><button type="button" className="button" onClick={() => setRows([...rows, way === "turns" ? { user_ids: [] } : { crew: "", user_ids: [] }])}>{t(way === "turns" ? "rotas.turn_add" : "rotas.crew_add")}</button></div>
      )}
      <h3>{t("rotas.stand_ins")}</h3>
      {standIns.map((each, place) => (
        <StandInFields key={place} standIn={each} people={people} onChange={(facts) => setStandIns(put(standIns, place, facts))} onRemove={() => setStandIns(without(standIns, place))} />
      ))}
      {people.length > 1 && (
        <div className="note-actions">
          <button type="button" className="button" onClick={() => setStandIns([...standIns, { away_id: people[0].id, stand_in_id: people[1].id, begin_at: startOfDay(0), end_at: startOfDay(7) }])}>{t("rotas.stand_in_add")}</button>
        </div>
      )}
      <div className="note-actions">
        <button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button>
        {rota.id && <button type="button" className="button" disabled={busy} onClick={remove}>{t("action.delete")}</button>}
      </div>
    </form>
  );
}

function StandInFields({ standIn, people, onChange, onRemove }) {
  const choice = (name, label) => (
    <Field as="select" label={label} value={standIn[name]} onChange={(event) => onChange({ [name]: event.target.value })}>
      {people.map((person) => <option key={person.id} value={person.id}>{person.display_name}</option>)}
    </Field>
  );
  const time = (name, label) => (
    <Field type="datetime-local" required label={label} value={localOf(standIn[name])} onChange={(event) => event.target.value && onChange({ [name]: new Date(event.target.value).getTime() * 1000 })} />
  );
  return (
    <fieldset className="field notice-step">
      <div className="form-row">{choice("away_id", t("rotas.away"))}{choice("stand_in_id", t("rotas.instead"))}</div>
      <div className="form-row">{time("begin_at", t("rotas.from"))}{time("end_at", t("rotas.to"))}</div>
      <span className="caption">{t("rotas.your_clock")}</span>
      <div className="note-actions"><button type="button" className="button button-small" onClick={onRemove}>{t("rotas.turn_remove")}</button></div>
    </fieldset>
  );
}

const two = (value) => String(value).padStart(2, "0");
const dateOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const today = () => dateOf(new Date());

/** Microseconds as the field of this browser's own clock wants them. */
function localOf(at) {
  const date = new Date(at / 1000);
  return `${dateOf(date)}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

function startOfDay(days) {
  const date = new Date();
  date.setHours(0, 0, 0, 0);
  date.setDate(date.getDate() + days);
  return date.getTime() * 1000;
}
