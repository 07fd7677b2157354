/* Notes on the time axis: a lane under the plots, a list below, and the form in which they are written. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { clock, day, duration } from "./format.js";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { useQuery, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const NOTES_MAX = 200;
const WORDS_MAX = 500;
const LABEL_PX = 64; // Less room than this shows the mark alone; its words are in its title and in the list.

/** Notes that touch a span, of some machines: {notes, more, error, again}. */
export function useNotes(assetIds, settled) {
  const { answer, error, again } = useQuery("annotations.list", assetIds.length && settled ? { asset_ids: assetIds, start_at: settled.from, end_at: settled.to, limit: NOTES_MAX } : null);
  return { notes: assetIds.length ? (answer?.annotations ?? []) : [], more: answer?.more ?? false, error, again };
}

/** `left` and `width` are those of the plots in pixels. */
export function NoteLane({ notes, from, to, left, width, onOpen }) {
  const zone = useZone();
  const x = (at) => ((at - from) / (to - from)) * width;
  const shown = notes.filter((note) => (note.end_at ?? note.start_at) >= from && note.start_at <= to).sort((one, other) => one.start_at - other.start_at);
  return (
    <div className="trend-lane">
      <span className="trend-lane-name">{t("notes.lane")}</span>
      <div className="trend-lane-track" style={{ left, width }}>
        {shown.map((note, place) => {
          const start = Math.max(0, x(note.start_at));
          const end = Math.min(width, x(note.end_at ?? note.start_at));
          const room = Math.max(0, (place + 1 < shown.length ? Math.max(0, x(shown[place + 1].start_at)) : width) - start - 8);
          return (
            <button key={note.id} type="button" className="trend-note" data-span={note.end_at !== null} title={`${whenOf(note, zone)} ${note.words}, ${note.author}`} style={{ left: start, width: Math.max(3, end - start) }} onClick={() => onOpen(note)}>
              <span className="visually-hidden">{note.words}</span>
              {room >= LABEL_PX && <span className="trend-note-words" style={{ maxWidth: room }} aria-hidden="true">{note.words}</span>}
            </button>
          );
        })}
      </div>
    </div>
  );
}

function whenOf(note, zone) {
  const at = `${day(note.start_at, zone)} ${clock(note.start_at, zone)}`;
  return note.end_at === null ? at : `${at}, ${duration((note.end_at - note.start_at) / 1e6)}`;
}

/** The notes in words; `places` names their machines, `signals` their signals. */
export function NoteList({ notes, more, error, again, me, nameOf, onOpen }) {
  const zone = useZone();
  if (error && !notes.length) return <ErrorNote what={t("notes.failed")} error={error} again={again} compact />;
  if (!notes.length) return null;
  return (
    <details className="workspace-notes">
      <summary>{t("notes.count", { count: notes.length })}</summary>
      <ul className="sessions">
        {notes.map((note) => (
          <li key={note.id}>
            <div>
              <span>{note.words}</span>
              <div className="caption">{whenOf(note, zone)}, {nameOf(note)}, {note.author}</div>
            </div>
            {mayChange(note, me) && <button type="button" className="button button-small" onClick={() => onOpen(note)}>{t("notes.change")}</button>}
          </li>
        ))}
      </ul>
      {more && <p className="caption">{t("notes.more", { count: NOTES_MAX })}</p>}
    </details>
  );
}

export const mayWrite = (me) => Boolean(me?.permissions.includes("annotations.write"));
const mayChange = (note, me) => mayWrite(me) && (note.author_id === me.user_id || me.permissions.includes("assets.configure"));

/**
 * The form for a new note, or for one there is. `note` has {start_at, end_at}, and an id where it is kept already;
 * `subjects` is [{value, name, asset_id, signal_id}], what a new one may be about.
 */
export function NoteSheet({ note, subjects, me, onClose, onDone }) {
  const zone = useZone();
  const { run, busy, error } = useAct();
  const [gone, setGone] = useState(false);
  const isNew = !note.id;
  const isMine = isNew || mayChange(note, me);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const words = String(form.get("words")).trim();
    run(async () => {
      if (isNew) {
        const { asset_id, signal_id } = subjects[Number(form.get("subject"))];
        await link().mutate("annotations.create", { asset_id, signal_id, words, start_at: note.start_at, end_at: note.end_at });
      } else {
        await link().mutate("annotations.change", { annotation_id: note.id, words, revision: note.revision });
      }
      onDone();
      onClose();
    });
  };
  const remove = () => run(async () => { await link().mutate("annotations.delete", { annotation_id: note.id }); setGone(true); onDone(); });
  const restore = async () => { await link().mutate("annotations.restore", { annotation_id: note.id }); onDone(); onClose(); };
  return (
    <Sheet title={t(isNew ? "notes.write" : "notes.note")} onClose={onClose}>
      {gone && <UndoNote what={t("notes.deleted")} onUndo={restore} onOver={onClose} />}
      {!gone && (
        <form className="entrance-form" onSubmit={submit}>
          <p className="muted">{whenOf(note, zone)}{!isNew && `, ${note.author}`}</p>
          <Refusal message={messageOf(error, ["words"])} />
          {isNew && (
            <Field label={t("notes.about")} as="select" name="subject">
              {subjects.map((subject, place) => <option key={place} value={place}>{subject.name}</option>)}
            </Field>
          )}
          <Field label={t("notes.words")} as="textarea" name="words" required maxLength={WORDS_MAX} rows={3} defaultValue={note.words ?? ""} readOnly={!isMine} autoFocus error={faultOf(error, "words")} />
          {isMine && (
            <div className="note-actions">
              <button type="submit" className="button button-primary" disabled={busy}>{t("notes.keep")}</button>
              {!isNew && <button type="button" className="button" disabled={busy} onClick={remove}>{t("notes.delete")}</button>}
            </div>
          )}
          {!isMine && <ActError error={error} />}
        </form>
      )}
    </Sheet>
  );
}
