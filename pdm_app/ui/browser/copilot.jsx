/* The copilot: a drawer that answers questions about a machine from what is on record, and does nothing that nobody confirms. */
import { useEffect, useRef, useState } from "react";
import { useLocation } from "react-router";
import { ActError, useAct } from "./acknowledge.jsx";
import { assetOf, isShortcut, KEY, QUESTION_MAX, SUGGESTIONS, turnsOf, withTurn } from "./copilot.js";
import { Sentences } from "./copilot_answer.jsx";
import { usePlaces } from "./directory.js";
import { Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { Go, KeyHint } from "./parts.jsx";

function kept() {
  try {
    return turnsOf(globalThis.sessionStorage?.getItem(KEY));
  } catch {
    return [];
  }
}

function keep(turns) {
  try {
    globalThis.sessionStorage?.setItem(KEY, JSON.stringify(turns));
  } catch {
    // Without storage the conversation ends with the page.
  }
}

export const Copilot = guarded(function Copilot({ rights = [] }) {
  const [open, setOpen] = useState(false);
  const mayAsk = rights.includes("history.read");
  useEffect(() => {
    if (!mayAsk) return undefined;
    const press = (event) => {
      if (!isShortcut(event)) return;
      event.preventDefault();
      setOpen((before) => !before);
    };
    globalThis.addEventListener("keydown", press);
    return () => globalThis.removeEventListener("keydown", press);
  }, [mayAsk]);
  if (!mayAsk) return null;
  return (
    <>
      <button type="button" className="button copilot-open" aria-haspopup="dialog" onClick={() => setOpen(true)}>{t("copilot.open")} <span className="desktop-only"><KeyHint>Ctrl .</KeyHint></span></button>
      {open && <Sheet title={t("copilot.title")} side onClose={() => setOpen(false)}><Conversation mayWrite={rights.includes("maintenance.write")} onLeave={() => setOpen(false)} /></Sheet>}
    </>
  );
});

function Conversation({ mayWrite, onLeave }) {
  const [turns, setTurns] = useState(kept);
  const [text, setText] = useState("");
  const [asking, setAsking] = useState("");
  const { pathname } = useLocation();
  const places = usePlaces();
  const assetId = assetOf(pathname);
  const code = places.get(assetId)?.asset.code ?? "";
  const field = useRef(null);
  const end = useRef(null);
  useEffect(() => {
    field.current?.focus();
  }, []);
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" }); // It returns a promise in new browsers, which is no clean-up.
  }, [turns.length, asking]);
  const ask = async (said) => {
    const question = said.trim();
    if (!question || asking) return;
    setAsking(question);
    setText("");
    const last = turns.findLast((turn) => turn.answer)?.answer.asset_id;
    let turn;
    try {
      const answer = await link().query("copilot.ask", { text: question, asset_id: assetId || last || null });
      turn = { text: question, answer };
    } catch (error) {
      turn = { text: question, problem: codeOf(error) ? error.message : t("error.unreachable") };
    }
    setTurns((before) => {
      const next = withTurn(before, turn);
      keep(next);
      return next;
    });
    setAsking("");
    field.current?.focus();
  };
  const clear = () => {
    setTurns([]);
    keep([]);
  };
  return (
    <div className="copilot">
      <p className="caption">{t("copilot.what")}</p>
      <ol className="copilot-turns" aria-live="polite" aria-label={t("copilot.conversation")}>
        {turns.map((turn, place) => (
          <li key={place}>
            <p className="copilot-question">{turn.text}</p>
            {turn.problem && <p className="act-error" role="alert">{turn.problem}</p>}
            {turn.answer && <Answer answer={turn.answer} mayWrite={mayWrite} onLeave={onLeave} />}
          </li>
        ))}
        {asking && <li><p className="copilot-question">{asking}</p><p className="muted" role="status">{t("copilot.looks")}</p></li>}
      </ol>
      <div ref={end} />
      <div className="copilot-suggestions" role="group" aria-label={t("copilot.suggestions")}>
        {SUGGESTIONS.map((kind) => (
          <button key={kind} type="button" className="button button-small" disabled={asking !== ""} onClick={() => (code ? ask(t("copilot.suggestion", { kind, code })) : setText(t("copilot.suggestion", { kind, code: "" })))}>{t("copilot.suggestion", { kind, code })}</button>
        ))}
      </div>
      <form className="copilot-form" onSubmit={(event) => { event.preventDefault(); ask(text); }}>
        <label className="field">
          <span className="field-label">{t("copilot.ask")}</span>
          <input ref={field} className="input" maxLength={QUESTION_MAX} autoComplete="off" placeholder={t("copilot.example")} value={text} onChange={(event) => setText(event.target.value)} />
        </label>
        <button type="submit" className="button button-primary" disabled={asking !== "" || !text.trim()}>{t("copilot.send")}</button>
        {turns.length > 0 && <button type="button" className="button button-plain" onClick={clear}>{t("copilot.clear")}</button>}
      </form>
    </div>
  );
}

/** An answer, and what could be done. */
function Answer({ answer, mayWrite, onLeave }) {
  return (
    <div className="stack">
      <Sentences answer={answer} onLeave={onLeave} />
      {answer.proposal && mayWrite && <Proposal proposal={answer.proposal} onLeave={onLeave} />}
    </div>
  );
}

/** A case that could be opened: it is only after it has been asked for and confirmed. */
function Proposal({ proposal, onLeave }) {
  const [asked, setAsked] = useState(false);
  const [made, setMade] = useState(null);
  const { run, busy, error } = useAct();
  const open = () => run(async () => {
    const { title, text, asset_id, alarm_ids, event_ids } = proposal;
    setMade(await link().mutate("cases.open", { asset_id, title, text, alarm_ids, event_ids }));
  });
  if (made) return <p role="status">{t("copilot.opened")} <Go to={`/cases?case=${made.id}`} onClick={onLeave}>{made.title}</Go></p>;
  return (
    <div className="copilot-proposal">
      <p>{proposal.text}</p>
      {!asked && <div className="note-actions"><button type="button" className="button" onClick={() => setAsked(true)}>{t("copilot.propose")}</button></div>}
      {asked && (
        <div className="note-actions" role="group" aria-label={t("copilot.sure")}>
          <span>{t("copilot.sure")}</span>
          <button type="button" className="button button-primary" disabled={busy} onClick={open}>{t("copilot.confirm")}</button>
          <button type="button" className="button" onClick={() => setAsked(false)}>{t("action.cancel")}</button>
        </div>
      )}
      <ActError error={error} />
    </div>
  );
}
