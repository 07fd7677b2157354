/* All procedures by noun, with a search; / goes to it, arrows move, Enter opens. */
import { useEffect, useMemo, useRef } from "react";
import { byNoun, matching } from "./api_schema.js";
import { t } from "./messages.js";
import { EmptyNote, KeyHint } from "./parts.jsx";

/** `mine` says whether the person may call a procedure. */
export function ProcedureTree({ procedures, words, onWords, chosen, onChoose, mine, onlyMine, onOnlyMine }) {
  const search = useRef(null);
  const list = useRef(null);
  const found = useMemo(() => matching(onlyMine ? procedures.filter(mine) : procedures, words), [procedures, words, onlyMine, mine]);
  useSlash(search);
  useEffect(() => {
    // A page opened by its address shows where in the list it is.
    const entry = list.current?.querySelector('[aria-current="true"]');
    if (entry) list.current.scrollTop = entry.offsetTop - list.current.clientHeight / 3;
  }, []);
  const entries = () => [...(list.current?.querySelectorAll("button[data-path]") ?? [])];
  const move = (from, by) => {
    const all = entries();
    const place = from === null ? (by > 0 ? 0 : all.length - 1) : all.indexOf(from) + by;
    if (place < 0) search.current?.focus();
    else all[Math.min(place, all.length - 1)]?.focus();
  };
  const inSearch = (event) => {
    if (event.key === "ArrowDown") move(null, 1);
    else if (event.key === "Enter" && found.length) onChoose(found[0].path);
    else if (event.key === "Escape" && words) onWords("");
    else return;
    event.preventDefault();
  };
  const inList = (event) => {
    const from = event.target.closest("button[data-path]");
    if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown") move(from, 1);
    else if (event.key === "ArrowUp") move(from, -1);
    else if (event.key === "Home") entries()[0]?.focus();
    else if (event.key === "End") entries().at(-1)?.focus();
    else return;
    event.preventDefault();
  };
  return (
    <section className="card api-tree" aria-label={t("api.all")}>
      <div className="api-search">
        <input
          ref={search} type="search" className="input" value={words} placeholder={t("api.search")} aria-label={t("api.search")}
          onChange={(event) => onWords(event.target.value)} onKeyDown={inSearch} autoComplete="off" spellCheck={false}
        />
        <span className="desktop-only" aria-hidden="true"><KeyHint>/</KeyHint></span>
      </div>
      <label className="api-only-mine">
        <input type="checkbox" className="checkbox" checked={onlyMine} onChange={(event) => onOnlyMine(event.target.checked)} />
        <span>{t("api.only_mine")}</span>
        <span className="push caption" role="status">{t("api.found", { count: found.length })}</span>
      </label>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- arrows move between its buttons */}
      <div className="api-nouns" ref={list} onKeyDown={inList} role="group" aria-label={t("api.all")}>
        {found.length === 0 && <EmptyNote title={t("api.none")} text={t("api.none_text")} />}
        {byNoun(found).map(([noun, some]) => (
          <div key={noun} className="api-noun">
            <h2 className="code">{noun}</h2>
            {some.map((procedure) => (
              <Entry key={procedure.path} procedure={procedure} chosen={procedure.path === chosen} isMine={mine(procedure)} onChoose={onChoose} />
            ))}
          </div>
        ))}
      </div>
    </section>
  );
}

function Entry({ procedure, chosen, isMine, onChoose }) {
  const name = procedure.path.slice(procedure.path.lastIndexOf(".") + 1);
  return (
    <button
      type="button" data-path={procedure.path} className="api-entry-link" aria-current={chosen ? "true" : undefined} data-mine={isMine}
      onClick={() => onChoose(procedure.path)} title={procedure.path}
    >
      <Kind type={procedure.type} />
      <span className="code">{name}</span>
      {!isMine && <span className="api-lock">{t("api.not_mine")}</span>}
    </button>
  );
}

/** Query, mutation or subscription by its letter and, for who does not see it, its word. */
export function Kind({ type, full = false }) {
  return (
    <span className="api-kind" data-type={type} title={t(`api.type.${type}`)}>
      {full ? t(`api.type.${type}`) : <><span aria-hidden="true">{type[0].toUpperCase()}</span><span className="visually-hidden">{t(`api.type.${type}`)}</span></>}
    </span>
  );
}

function useSlash(search) {
  useEffect(() => {
    const press = (event) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, dialog, [contenteditable]")) return;
      event.preventDefault();
      search.current?.focus();
      search.current?.select();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [search]);
}
