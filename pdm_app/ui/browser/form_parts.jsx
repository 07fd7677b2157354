/* Parts of forms: fields with their fault beside them, refusals, dialogs, what is shown once. */
import { useEffect, useId, useRef, useState } from "react";
import { codeOf } from "./link.js";
import { t } from "./messages.js";

/** A labelled input; `error` stands under it and is read out with it. */
export function Field({ label, hint, error, as: Tag = "input", children, ...input }) {
  const id = useId();
  const described = [error && `${id}-e`, hint && `${id}-h`].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>{label}</label>
      <Tag id={id} className="input" aria-invalid={Boolean(error)} aria-describedby={described} {...input}>{children}</Tag>
      {hint && <span id={`${id}-h`} className="caption">{hint}</span>}
      {error && <span id={`${id}-e`} className="field-error">{error}</span>}
    </div>
  );
}

/** A box to tick with its words beside it. */
export function Check({ label, ...input }) {
  return (
    <label className="check-line">
      <input type="checkbox" className="checkbox" {...input} />
      <span>{label}</span>
    </label>
  );
}

/** One line about a whole form that was refused. */
export function Refusal({ message }) {
  return message ? <p className="note note-error" data-compact="true" role="alert">{message}</p> : null;
}

/** What the RPC says against a call, as a line for the form; empty where a field says it. */
export function messageOf(error, fields = []) {
  if (!error) return "";
  if (fields.some((field) => faultOf(error, field))) return "";
  return codeOf(error) ? error.message : t("error.unreachable");
}

/** What the RPC says against one field. */
export function faultOf(error, field) {
  const found = (error?.data?.issues ?? []).find((issue) => issue.loc?.[0] === field);
  return found?.msg ?? "";
}

/** A dialog that is open as long as it is there; Escape, the backdrop and the cross close it. */
export function Sheet({ title, onClose, side = false, children }) {
  const dialog = useRef(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={side ? "sheet sheet-side" : "sheet"}
      aria-labelledby={id}
      onCancel={(event) => {
        if (event.target !== dialog.current) return; // A file picker that is closed cancels too, and bubbles.
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === dialog.current && onClose()}
    >
      <div className="sheet-body">
        <header className="card-head">
          <h2 id={id}>{title}</h2>
          <button type="button" className="button button-icon button-plain push" aria-label={t("action.close")} onClick={onClose}>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M3 3L13 13M13 3L3 13" stroke="currentColor" strokeWidth="1.75" /></svg>
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Something that is shown once: the words, a button that copies them, and one that puts them away. */
export function ShownOnce({ title, text, value, onDone }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(value);
    setCopied(true);
  };
  return (
    <div className="shown-once" role="status">
      <strong>{title}</strong>
      {text && <span className="muted">{text}</span>}
      <output className="code block">{value}</output>
      <div className="note-actions">
        {globalThis.navigator?.clipboard && <button type="button" className="button" onClick={copy}>{t(copied ? "form.copied" : "form.copy")}</button>}
        {onDone && <button type="button" className="button" onClick={onDone}>{t("form.done")}</button>}
      </div>
    </div>
  );
}
