/* Notices: the channels and how they do, who is told of which alarms, how people are reached, and what was handed over. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Field, faultOf, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ContactForm, RouteForm } from "./notice_forms.jsx";
import { Templates } from "./notice_templates.jsx";
import { Age, EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";
import { UndoNote } from "./undo.jsx";

const PAGE = 50;
const FOLLOWED_MS = 1000;

const IN_PAGES = "page"; // A test in the pages is for whoever asks for it.
const SYSTEM = "system"; // Stands for a site where the product itself is in trouble.

export const Notices = guarded(function Notices({ siteId = "", mayConfigurePeople = false, maySet = false }) {
  return (
    <div className="stack">
      <Channels siteId={siteId} maySet={maySet} />
      <Routes siteId={siteId} />
      {maySet && <Routes siteId={SYSTEM} />}
      {mayConfigurePeople && <Contacts />}
      <Templates maySet={maySet} />
      <Log />
    </div>
  );
});

/** A card that waits for its answer, or says why there is none. */
function Card({ title, asked, actions, children }) {
  const { answer, error, again } = asked;
  return (
    <section className="card stack">
      <header className="card-head"><h2>{title}</h2>{actions}</header>
      {!answer && (error ? <ErrorNote what={t("notices.failed")} error={error} again={again} /> : <Skeleton height={80} />)}
      {answer && children(answer, again)}
    </section>
  );
}

function Channels({ siteId, maySet }) {
  const asked = useQuery("notices.status", {});
  const [open, setOpen] = useState(null);
  return (
    <Card title={t("notices.channels")} asked={asked}>
      {(status, again) => (
        <>
          <ul className="notice-list">
            {status.channels.map((channel) => (
              <li key={channel.kind}>
                <div className="card-head">
                  <strong>{t("notices.channel", { kind: channel.kind })}</strong>
                  <span className="caption code">{channel.is_set_up ? channel.place : t("notices.not_set_up")}</span>
                  {channel.is_simulated && <span className="caption"><a className="link" href="/settings/inbox">{t("notices.simulated")}</a></span>}
                  {maySet && (
                    <span className="note-actions push">
                      {channel.kind !== IN_PAGES && (
                        <button type="button" className="button button-small" onClick={() => setOpen({ sheet: "secret", kind: channel.kind })}>
                          {channel.has_secret ? t("notices.secret_change") : t("notices.secret_set")}
                        </button>
                      )}
                      <button type="button" className="button button-small" disabled={!channel.is_set_up || !siteId} onClick={() => setOpen({ sheet: "test", kind: channel.kind })}>{t("notices.test")}</button>
                    </span>
                  )}
                </div>
                {channel.problem && <p className="note note-error" data-compact="true">{channel.problem}</p>}
              </li>
            ))}
          </ul>
          <p className="muted">
            {t("notices.figures", { sent: status.figures.sent, waiting: status.figures.waiting, dead: status.figures.dead })}
            {status.figures.waiting_since && <> {t("notices.oldest")} <Age since={status.figures.waiting_since} /></>}
          </p>
          {maySet && <p className="caption">{t("notices.where_set")} <a className="link" href="/settings/general">{t("nav.general")}</a></p>}
          {open?.sheet === "secret" && <SecretSheet kind={open.kind} onClose={() => { setOpen(null); again(); }} />}
          {open?.sheet === "test" && <TestSheet kind={open.kind} siteId={siteId} onClose={() => { setOpen(null); again(); }} />}
        </>
      )}
    </Card>
  );
}

function SecretSheet({ kind, onClose }) {
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const secret = new FormData(event.currentTarget).get("secret");
    run(async () => {
      await link().mutate("notices.put_secret", { channel: kind, secret });
      onClose();
    });
  };
  return (
    <Sheet title={t("notices.secret_of", { kind })} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["secret"])} />
        <Field name="secret" type="password" label={t("notices.secret")} hint={t("notices.secret_hint")} autoComplete="off" maxLength={2048} error={faultOf(error, "secret")} />
        <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("form.save")}</button></div>
      </form>
    </Sheet>
  );
}

/** Send a message to an address, and follow it until it was handed over or not. */
function TestSheet({ kind, siteId, onClose }) {
  const { run, busy, error } = useAct();
  const [message, setMessage] = useState(null);
  const submit = (event) => {
    event.preventDefault();
    const address = kind === IN_PAGES ? IN_PAGES : String(new FormData(event.currentTarget).get("address")).trim();
    run(async () => setMessage(await link().mutate("notices.test", { channel: kind, address, site_id: siteId })));
  };
  return (
    <Sheet title={t("notices.test_of", { kind })} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, ["address"])} />
        {kind !== IN_PAGES && <Field name="address" label={t("notices.address", { kind })} required autoComplete="off" autoCapitalize="none" maxLength={300} error={faultOf(error, "address")} />}
        <div className="note-actions"><button type="submit" className="button button-primary" disabled={busy}>{t("notices.send_test")}</button></div>
      </form>
      {message && <Attempts id={message.id} />}
    </Sheet>
  );
}

/** Routes of a site, or of the product itself, whose alarms are at no site. */
function Routes({ siteId }) {
  const asked = useQuery("notices.routes", {});
  const { answer: people } = useQuery("rotas.people", siteId ? { site_id: siteId } : null);
  const { answer: rotas } = useQuery("rotas.list", siteId && siteId !== SYSTEM ? { site_id: siteId } : null);
  const [open, setOpen] = useState(null);
  const [removed, setRemoved] = useState(null);
  const names = Object.fromEntries([...(people ?? []).map((one) => [one.id, one.display_name]), ...(rotas ?? []).map(({ rota }) => [rota.id, t("notices.on_call", { name: rota.name })])]);
  const add = siteId && <button type="button" className="button button-primary push" onClick={() => setOpen({ site_id: siteId })}>{t("notices.route_add")}</button>;
  return (
    <Card title={t(siteId === SYSTEM ? "notices.routes_of_system" : "notices.routes")} asked={asked} actions={add}>
      {(all, again) => {
        const routes = all.filter((route) => !siteId || route.site_id === siteId);
        return (
          <>
            <p className="muted">{t(siteId === SYSTEM ? "notices.routes_of_system_hint" : "notices.routes_hint")} <a className="link" href="/settings/shifts">{t("nav.shifts")}</a></p>
            {removed && (
              <UndoNote
                key={removed.id} what={t("notices.route_removed", { name: removed.name })} onOver={() => setRemoved(null)}
                onUndo={async () => {
                  const { id, revision, ...facts } = removed;
                  await link().mutate("notices.add_route", { facts });
                  setRemoved(null);
                  again();
                }}
              />
            )}
            {routes.length === 0 && <EmptyNote title={t("notices.routes_empty")} text={t("notices.routes_empty_hint")} />}
            {routes.length > 0 && <RouteTable routes={routes} names={names} onOpen={setOpen} />}
            {open && (
              <Sheet title={open.id ? open.name : t("notices.route_add")} onClose={() => setOpen(null)} side>
                <RouteForm route={open} people={people ?? []} rotas={rotas ?? []} onDone={() => { setOpen(null); again(); }}
                  onRemoved={(gone) => { setOpen(null); setRemoved(gone); again(); }} />
              </Sheet>
            )}
          </>
        );
      }}
    </Card>
  );
}

function RouteTable({ routes, names, onOpen }) {
  const who = (step) => [...step.user_ids, ...step.rota_ids].map((id) => names[id] ?? id).join(", ");
  return (
    <table className="table people-table">
      <thead><tr><th>{t("notices.name")}</th><th>{t("notices.priorities")}</th><th>{t("notices.steps")}</th></tr></thead>
      <tbody>
        {routes.map((route) => (
          <tr key={route.id}>
            <td>
              <button type="button" className="link" onClick={() => onOpen(route)}>{route.name}</button>
              {!route.enabled && <div className="caption">{t("notices.off")}</div>}
              {route.hours !== "always" && <div className="caption">{t("notices.hours_of", { hours: route.hours })}</div>}
            </td>
            <td data-label={t("notices.priorities")}><span className="note-actions">{route.priorities.map((each) => <PriorityShape key={each} priority={each} />)}</span></td>
            <td data-label={t("notices.steps")}>
              {route.steps.map((step) => (
                <div key={step.after_s} className="caption">
                  {t("notices.step_line", { minutes: step.after_s / 60, who: who(step), how: step.channels.map((kind) => t("notices.channel", { kind })).join(", ") })}
                </div>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Contacts() {
  const asked = useQuery("notices.contacts", {});
  const [open, setOpen] = useState(null);
  return (
    <Card title={t("notices.contacts")} asked={asked}>
      {(contacts, again) => (
        <>
          <table className="table people-table">
            <thead><tr><th>{t("notices.person")}</th><th>{t("notices.email")}</th><th>{t("notices.phone")}</th><th>{t("notices.quiet")}</th></tr></thead>
            <tbody>
              {contacts.map((one) => (
                <tr key={one.contact.id}>
                  <td><button type="button" className="link" onClick={() => setOpen(one)}>{one.display_name}</button></td>
                  <td data-label={t("notices.email")} className="code caption">{one.contact.email || "–"}</td>
                  <td data-label={t("notices.phone")} className="code caption">{one.contact.phone || "–"}</td>
                  <td data-label={t("notices.quiet")} className="caption">{one.contact.quiet_from ? `${one.contact.quiet_from} – ${one.contact.quiet_to}` : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {open && (
            <Sheet title={open.display_name} onClose={() => setOpen(null)} side>
              <ContactForm contact={open.contact} onDone={() => { setOpen(null); again(); }}
                save={(facts) => link().mutate("notices.put_contact", { user_id: open.contact.id, facts })} />
            </Sheet>
          )}
        </>
      )}
    </Card>
  );
}

function Log() {
  const [pages, setPages] = useState([null]);
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("notices.log")}</h2>
        <button type="button" className="button push" onClick={() => setPages([null])}>{t("notices.newest")}</button>
      </header>
      {pages.map((before) => (
        <LogPage key={`${before}`} before={before} isLast={before === pages.at(-1)} onMore={(last) => setPages([...pages, last])} />
      ))}
    </section>
  );
}

function LogPage({ before, isLast, onMore }) {
  const { answer, error, again } = useQuery("notices.messages", { query: { before, limit: PAGE } });
  const [open, setOpen] = useState(null);
  if (!answer) return error ? <ErrorNote what={t("notices.failed")} error={error} again={again} /> : <Skeleton height={80} />;
  if (answer.length === 0) return before ? null : <EmptyNote title={t("notices.log_empty")} text={t("notices.log_empty_hint")} />;
  return (
    <>
      <table className="table people-table">
        <tbody>
          {answer.map((message) => (
            <tr key={message.id}>
              <td><Moment at={message.created_at} /></td>
              <td data-label={t("notices.log")}>
                <button type="button" className="link" onClick={() => setOpen(message)}>{message.subject || t("notices.test")}</button>
                <div className="caption code">{message.address}</div>
              </td>
              <td data-label={t("notices.state")}>
                {t("notices.state_of", { state: message.state, attempts: message.attempts })}
                {message.is_repeat && <div className="caption">{t("notices.repeat")}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {isLast && answer.length === PAGE && <button type="button" className="button" onClick={() => onMore(answer.at(-1).id)}>{t("notices.more")}</button>}
      {open && (
        <Sheet title={open.subject} onClose={() => { setOpen(null); again(); }} side>
          <pre className="message-body">{open.body}</pre>
          <Attempts id={open.id} />
        </Sheet>
      )}
    </>
  );
}

/** What became of a message, with every attempt; one that was given up can be tried again. */
function Attempts({ id }) {
  const { answer, again } = useQuery("notices.message", { message_id: id });
  const { run, busy, error } = useAct();
  const state = answer?.message.state;
  useEffect(() => {
    if (!["ready", "sending", "offered"].includes(state)) return undefined;
    const timer = setTimeout(again, FOLLOWED_MS);
    return () => clearTimeout(timer);
  });
  if (!answer) return <Skeleton height={40} />;
  const { message, attempts } = answer;
  const retry = () => run(async () => {
    await link().mutate("notices.retry", { message_id: id });
    again();
  });
  return (
    <div className="stack" role="status">
      <p className="note-title">{t("notices.state_of", { state: message.state, attempts: message.attempts })}</p>
      {message.problem && <p className="note note-error" data-compact="true">{message.problem}</p>}
      <ol className="notice-list">
        {attempts.map((attempt) => (
          <li key={attempt.id} className="caption"><Moment at={attempt.at} /> · {t("notices.attempt", { number: number(attempt.number) })} · <span className="code">{attempt.reply || attempt.problem}</span></li>
        ))}
      </ol>
      <ActError error={error} />
      {message.state === "dead" && <div className="note-actions"><button type="button" className="button" disabled={busy} onClick={retry}>{t("notices.retry")}</button></div>}
    </div>
  );
}
