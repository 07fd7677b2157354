/* ICU messages: {name}, {n, plural, =0 {…} one {…} other {# …}}, {kind, select, a {…} other {…}}; '' and '{…}' quote. */

/** Turn a message into a function of its parameters. Throws SyntaxError with the place of the fault. */
export function compile(source, locale) {
  const reader = { source, at: 0, locale };
  const parts = parse(reader, false);
  if (reader.at < source.length) fail(reader, "unmatched }");
  return (params) => render(parts, params, null);
}

/** Names of all placeholders in a message. */
export function placeholders(source) {
  const names = new Set();
  const walk = (parts) => {
    for (const part of parts) {
      if (typeof part === "string" || part.hash) continue;
      names.add(part.name);
      if (part.cases) for (const branch of Object.values(part.cases)) walk(branch);
    }
  };
  walk(parse({ source, at: 0, locale: "en" }, false));
  return [...names].sort();
}

function fail(reader, problem) {
  throw new SyntaxError(`${problem} at character ${reader.at} of "${reader.source}"`);
}

function parse(reader, inPlural) {
  const parts = [];
  let literal = "";
  const flush = () => {
    if (literal) parts.push(literal);
    literal = "";
  };
  while (reader.at < reader.source.length) {
    const letter = reader.source[reader.at];
    if (letter === "'") {
      literal += quoted(reader);
    } else if (letter === "{") {
      flush();
      parts.push(argument(reader));
    } else if (letter === "}") {
      break;
    } else if (letter === "#" && inPlural) {
      flush();
      parts.push({ hash: true });
      reader.at += 1;
    } else {
      literal += letter;
      reader.at += 1;
    }
  }
  flush();
  return parts;
}

/* '' is an apostrophe; ' before { } # starts quoted text up to the next '; any other ' stands for itself. */
function quoted(reader) {
  const { source } = reader;
  const next = source[reader.at + 1];
  if (next === "'") {
    reader.at += 2;
    return "'";
  }
  if (next === undefined || !"{}#".includes(next)) {
    reader.at += 1;
    return "'";
  }
  const end = source.indexOf("'", reader.at + 1);
  if (end < 0) fail(reader, "unclosed quote");
  const text = source.slice(reader.at + 1, end);
  reader.at = end + 1;
  return text;
}

function word(reader, pattern) {
  const match = pattern.exec(reader.source.slice(reader.at));
  if (!match) fail(reader, "name expected");
  reader.at += match[0].length;
  return match[0].trim();
}

function skip(reader, letter) {
  reader.at += /^\s*/.exec(reader.source.slice(reader.at))[0].length;
  if (reader.source[reader.at] !== letter) return false;
  reader.at += 1;
  return true;
}

function argument(reader) {
  reader.at += 1;
  const name = word(reader, /^\s*[A-Za-z_]\w*\s*/);
  if (skip(reader, "}")) return { name };
  if (!skip(reader, ",")) fail(reader, "comma or } expected");
  const kind = word(reader, /^\s*(plural|select)\s*/);
  if (!skip(reader, ",")) fail(reader, "comma expected");
  const cases = {};
  while (!skip(reader, "}")) {
    const label = word(reader, /^\s*(=\d+|\w+)\s*/);
    if (!skip(reader, "{")) fail(reader, "{ expected");
    cases[label] = parse(reader, kind === "plural");
    if (!skip(reader, "}")) fail(reader, "} expected");
  }
  if (!cases.other) fail(reader, `${kind} of ${name} has no case "other"`);
  return { name, kind, cases, rules: kind === "plural" ? new Intl.PluralRules(reader.locale) : null };
}

function render(parts, params, counted) {
  return parts.map((part) => {
    if (typeof part === "string") return part;
    if (part.hash) return counted;
    const value = params[part.name];
    if (!part.kind) return value ?? "";
    return render(branch(part, value), params, value ?? counted);
  }).join("");
}

function branch({ kind, cases, rules }, value) {
  if (kind === "select") return cases[value] ?? cases.other;
  return cases[`=${value}`] ?? cases[rules.select(Number(value))] ?? cases.other;
}
