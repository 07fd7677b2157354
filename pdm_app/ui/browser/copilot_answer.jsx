/* What the copilot says: sentences with the numbers of their sources, and the sources as links. */
import { cited } from "./copilot.js";
import { t } from "./messages.js";
import { Go, Moment } from "./parts.jsx";

export function Sentences({ answer, onLeave }) {
  const sources = cited(answer.sentences);
  return (
    <div className="copilot-answer">
      {answer.sentences.map((sentence, place) => (
        <p key={place}>
          {sentence.text}
          {sentence.sources.map((source) => {
            const number = sources.of(source);
            return <Go key={number} to={source.href} className="copilot-cite" aria-label={t("copilot.source", { number, label: source.label })} onClick={onLeave}>{number}</Go>;
          })}
        </p>
      ))}
      <ul className="copilot-sources" aria-label={t("copilot.sources")}>
        {sources.all.map(({ number, source }) => (
          <li key={number}><span className="copilot-number">{number}</span> <span className="caption">{t("copilot.kind", { kind: source.kind })}</span> <Go to={source.href} onClick={onLeave}>{source.label}</Go></li>
        ))}
      </ul>
      <p className="caption">{t("copilot.as_of", { code: answer.code })} <Moment at={answer.at} /></p>
    </div>
  );
}
