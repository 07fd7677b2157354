/* The series of the workspace: found by name or typed as an expression, each with its colour, its value and a way out. */
import { useEffect, useState } from "react";
import { usePlaces } from "./directory.js";
import { number, unitSymbol } from "./format.js";
import { codeOf, link } from "./link.js";
import { useReading, valueText } from "./live_value.jsx";
import { t } from "./messages.js";
import { keyOf, SERIES_MAX } from "./workspace_state.js";

const TYPED_MS = 250;
const FOUND_MAX = 20;
const EXPRESSION = /[-+*/%()<>]/;

export function SeriesList({ list, records, missing, found, named, unitOf, decimalsOf, readouts, add, drop, home }) {
  return (
    <>
      <header className="card-head"><h2>{t("trends.series")} <span className="caption">{t("trends.count", { count: list.length, most: SERIES_MAX })}</span></h2></header>
      <Adder isFull={list.length >= SERIES_MAX} add={add} home={home} />
      <ul className="workspace-series">
        {list.map((series) => {
          const key = keyOf(series);
          const fault = missing.get(series.signal) ?? found.get(key)?.error;
          return (
            <li key={key} style={{ "--series": `var(--c${series.colour})` }}>
              <span className="workspace-dash" aria-hidden="true" />
              <div>
                <span className={series.formula ? "code caption" : ""}>{named(series)}</span>
                {fault && <p className="field-error">{codeOf(fault) ? fault.message : t("error.unreachable")}</p>}
              </div>
              <Value series={series} record={records.get(series.signal)} columns={found.get(key)?.columns} unit={unitOf(series)} decimals={decimalsOf(series)} readouts={readouts} />
              <button type="button" className="button button-icon button-plain" aria-label={t("trends.remove", { name: named(series) })} onClick={() => drop(key)}>×</button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

/* The live value of a signal, or the newest of an expression; a chart writes the one under its cursor over it. */
function Value({ series, record, columns, unit, decimals, readouts }) {
  const { shown } = useReading(record);
  const last = columns?.[3].findLast((value) => value !== null && value !== undefined);
  const text = record ? valueText(shown, record) : last === undefined ? "–" : number(last, decimals);
  const keep = (element) => {
    if (!element) {
      readouts.current.delete(keyOf(series));
      return;
    }
    readouts.current.set(keyOf(series), element);
    element.dataset.live = text;
    if (!element.dataset.at) element.textContent = text;
  };
  return (
    <span className="workspace-value">
      <span ref={keep} className="value-number" />
      <span className="value-unit">{unit}</span>
    </span>
  );
}

function Adder({ isFull, add, home }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState([]);
  const places = usePlaces();
  const words = text.trim();
  const isExpression = EXPRESSION.test(words);
  useEffect(() => {
    if (!words || isExpression) {
      setFound([]);
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      link().query("signals.page", { text: words, limit: FOUND_MAX }, { signal: abort.signal }).then((page) => setFound(page.items.filter((signal) => signal.data_type !== "text")), () => {});
    }, TYPED_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [words, isExpression]);
  const take = (series) => {
    add(series);
    setText("");
    setFound([]);
  };
  const submit = (event) => {
    event.preventDefault();
    if (isExpression) take({ formula: words });
    else if (found.length) take({ signal: found[0].id });
  };
  if (isFull) return <p className="caption">{t("trends.full", { most: SERIES_MAX })}</p>;
  return (
    <form className="workspace-adder" onSubmit={submit} role="search">
      <input type="search" className="input" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("trends.add")} aria-label={t("trends.add")} autoComplete="off" spellCheck="false" />
      {isExpression && <button type="submit" className="button button-small">{t(home ? "trends.add_expression" : "trends.add_expression_alone")}</button>}
      {found.length > 0 && (
        <ul className="workspace-found">
          {found.map((signal) => (
            <li key={signal.id}>
              <button type="button" onClick={() => take({ signal: signal.id })}>
                <span className="code">{places.get(signal.asset_id)?.asset.code}</span> {signal.label} <span className="caption">{unitSymbol(signal.unit)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}
