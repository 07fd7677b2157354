/* Every procedure that programs can call: found, read, filled in, tried with this session, and taken along as code. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { issuesOf } from "./api_call.js";
import { InputForm } from "./api_form.jsx";
import { Listen } from "./api_listen.jsx";
import { beginning, hidden, missing, wordsOf } from "./api_schema.js";
import { snippets } from "./api_snippets.js";
import { Kind, ProcedureTree } from "./api_tree.jsx";
import { TryIt } from "./api_try.jsx";
import { Copy } from "./copy.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";

const REST_PREFIX = "/api/v1";
const LANGUAGES = ["typescript", "python", "curl"];
const NO_ISSUES = {};

export const ApiExplorer = guarded(function ApiExplorer({ permissions = [], isKnown = false }) {
  const { answer, error, again } = useQuery("api.procedures");
  const [search, setSearch] = useSearchParams();
  const [words, setWords] = useState("");
  const [onlyMine, setOnlyMine] = useState(false);
  const chosen = search.get("call") ?? "";
  const choose = useCallback((path) => {
    setSearch(path ? { call: path } : {}, { preventScrollReset: true });
    globalThis.scrollTo?.(0, 0);
  }, [setSearch]);
  const mine = useCallback(
    (procedure) => !isKnown || procedure.meta.permission === undefined || permissions.includes(procedure.meta.permission),
    [permissions, isKnown],
  );
  if (error && !answer) return <section className="card"><ErrorNote what={t("api.unread")} error={error} again={again} /></section>;
  if (!answer) return <section className="card stack">{[1, 2, 3, 4].map((row) => <Skeleton key={row} height={28} />)}</section>;
  if (!answer.procedures.length) return <section className="card"><EmptyNote title={t("api.none")} /></section>;
  const procedure = answer.procedures.find((one) => one.path === chosen);
  return (
    <div className="api" data-chosen={Boolean(chosen)}>
      <ProcedureTree
        procedures={answer.procedures} words={words} onWords={setWords} chosen={chosen} onChoose={choose}
        mine={mine} onlyMine={onlyMine} onOnlyMine={setOnlyMine}
      />
      <div className="api-detail">
        {chosen && <button type="button" className="link api-back" onClick={() => choose("")}>‹ {t("api.back")}</button>}
        {procedure && <Procedure key={procedure.path} procedure={procedure} defs={answer.$defs} isMine={mine(procedure)} />}
        {!procedure && <Beginning unknown={chosen} count={answer.procedures.length} />}
      </div>
    </div>
  );
});

function Beginning({ unknown, count }) {
  return (
    <section className="card stack">
      {unknown
        ? <EmptyNote title={t("api.unknown", { path: unknown })} text={t("api.unknown_text")} />
        : <EmptyNote title={t("api.choose_one", { count })} text={t("api.choose_one_text")} />}
      <div className="note-actions api-files">
        <Download path="api.openapi" file="openapi.json" label={t("api.openapi")} />
        <Download path="api.types" file="app-router.d.ts" label={t("api.types")} />
      </div>
    </section>
  );
}

/** Saves what a query answers with; a text as it is, anything else as JSON. */
function Download({ path, file, label }) {
  const [state, setState] = useState({ busy: false, error: null });
  const save = async () => {
    setState({ busy: true, error: null });
    try {
      const answer = await link().query(path);
      const text = typeof answer === "string" ? answer : JSON.stringify(answer, null, 2);
      const anchor = document.createElement("a");
      anchor.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
      anchor.download = file;
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
      setState({ busy: false, error: null });
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return (
    <>
      <button type="button" className="button" onClick={save} disabled={state.busy}>{label}</button>
      {state.error && <ErrorNote what={t("api.not_saved", { file })} error={state.error} again={save} compact />}
    </>
  );
}

function Procedure({ procedure, defs, isMine }) {
  const [input, setInput] = useState(() => firstInput(procedure, defs));
  const [issues, setIssues] = useState(NO_ISSUES);
  const change = (value) => {
    setIssues(NO_ISSUES);
    setInput(value);
  };
  const lacking = procedure.input ? missing(procedure.input, input, defs) : [];
  const refusal = refusalOf(procedure, isMine, lacking);
  const sent = procedure.inputOptional && isEmpty(input) ? undefined : input;
  return (
    <>
      <section className="card stack">
        <header className="api-title">
          <Kind type={procedure.type} full />
          <h2 className="code">{procedure.path}</h2>
        </header>
        <p className="api-doc">{procedure.doc}</p>
        <Facts procedure={procedure} defs={defs} isMine={isMine} />
      </section>
      <section className="card stack">
        {procedure.input
          ? <Input procedure={procedure} defs={defs} value={input} issues={issues} onChange={change} />
          : <header className="card-head"><h2>{t("api.try")}</h2><span className="aside">{procedure.inputForm === "stream" ? t("api.takes_stream") : t("api.takes_nothing")}</span></header>}
        {procedure.type === "subscription"
          ? <Listen procedure={procedure} input={sent} refusal={refusal} />
          : <TryIt procedure={procedure} input={sent} refusal={refusal} onOutcome={(outcome) => setIssues(issuesOf(outcome))} />}
      </section>
      <Snippets procedure={procedure} input={sent} />
    </>
  );
}

const isEmpty = (input) => input === undefined || (input !== null && typeof input === "object" && !Array.isArray(input) && Object.keys(input).length === 0);

function firstInput(procedure, defs) {
  if (!procedure.input) return undefined;
  return beginning(procedure.input, defs);
}

/* Programs count entries from 0, people from 1. */
const asCounted = (path) => path.replace(/\.(\d+)(?=\.|$)/g, (_, place) => ` ${Number(place) + 1}`);

function refusalOf(procedure, isMine, lacking) {
  if (procedure.inputForm === "stream") return t("api.refuse_stream");
  if (!isMine) return t("api.refuse_permission", { permission: procedure.meta.permission });
  if (lacking.length) return t("api.refuse_missing", { fields: lacking.map(asCounted).join(", ") });
  return "";
}

function Facts({ procedure, defs, isMine }) {
  const { permission } = procedure.meta;
  const result = procedure.output ?? procedure.tracked;
  return (
    <dl className="definition">
      <dt>{t("api.permission")}</dt>
      <dd>
        {permission ? <code className="code">{permission}</code> : t("api.signed_in")}
        {permission && <span className="muted"> {isMine ? t("api.you_have_it") : t("api.you_lack_it")}</span>}
      </dd>
      <dt>{t("api.rate")}</dt>
      <dd>{procedure.rate ? t("api.rate_of", { calls: procedure.rate.calls, seconds: procedure.rate.perS }) : t("api.rate_general")}</dd>
      <dt>{t("api.rest")}</dt>
      <dd>{procedure.rest ? <code className="code">{procedure.rest.method} {REST_PREFIX}{procedure.rest.path}</code> : t("api.no_rest")}</dd>
      <dt>{t("api.result")}</dt>
      <dd>{result ? nameOf(result, defs) : t("api.nothing")}{procedure.resumable && <span className="muted"> {t("api.resumable")}</span>}</dd>
    </dl>
  );
}

function nameOf(schema, defs) {
  if (schema.$ref) return <code className="code">{schema.$ref.slice("#/$defs/".length)}</code>;
  if (schema.type === "array" && schema.items?.$ref) return <>{t("api.list_of")} <code className="code">{schema.items.$ref.slice("#/$defs/".length)}</code></>;
  return wordsOf(schema, defs);
}

/** The input as a form, or as the JSON that is sent; both show the same. */
function Input({ procedure, defs, value, issues, onChange }) {
  const [asJson, setAsJson] = useState(false);
  return (
    <>
      <header className="card-head">
        <h2>{t("api.input")}</h2>
        <div className="segments push" role="group" aria-label={t("api.input_as")}>
          <button type="button" className="segment" aria-pressed={!asJson} onClick={() => setAsJson(false)}>{t("api.as_form")}</button>
          <button type="button" className="segment" aria-pressed={asJson} onClick={() => setAsJson(true)}>JSON</button>
        </div>
      </header>
      {asJson
        ? <JsonInput value={value} onChange={onChange} />
        : <InputForm schema={procedure.input} defs={defs} value={value} issues={issues} onChange={onChange} />}
      {asJson && Object.entries(issues).map(([path, problem]) => <p key={path} className="field-error">{path}: {problem}</p>)}
    </>
  );
}

function JsonInput({ value, onChange }) {
  const [typed, setTyped] = useState(() => JSON.stringify(value, null, 2) ?? "");
  const [fault, setFault] = useState("");
  const take = (text) => {
    setTyped(text);
    try {
      onChange(text.trim() === "" ? undefined : JSON.parse(text));
      setFault("");
    } catch (error) {
      setFault(t("api.no_json", { why: error.message }));
    }
  };
  return (
    <>
      <textarea
        className="input code api-json" rows={8} value={typed} spellCheck={false} aria-label={t("api.input_json")}
        aria-invalid={Boolean(fault)} onChange={(event) => take(event.target.value)}
      />
      {fault && <p className="field-error" role="alert">{fault} {t("api.last_good")}</p>}
    </>
  );
}

function Snippets({ procedure, input }) {
  const [language, setLanguage] = useState(LANGUAGES[0]);
  const [origin, setOrigin] = useState("");
  useEffect(() => setOrigin(location.origin), []);
  const code = useMemo(() => snippets(procedure, hidden(input), origin, REST_PREFIX)[language], [procedure, input, origin, language]);
  return (
    <section className="card stack">
      <header className="card-head api-snippet-head">
        <h2>{t("api.code")}</h2>
        <div className="segments" role="group" aria-label={t("api.language")}>
          {LANGUAGES.map((one) => (
            <button key={one} type="button" className="segment" aria-pressed={one === language} onClick={() => setLanguage(one)}>{t(`api.language.${one}`)}</button>
          ))}
        </div>
        <span className="push"><Copy text={code} label={t("api.copy")} /></span>
      </header>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls */}
      <pre className="api-code" tabIndex={0} aria-label={t("api.code")}>{code}</pre>
      <p className="caption">{t(`api.about.${language}`)}</p>
    </section>
  );
}
