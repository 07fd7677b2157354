/* One widget that fails must not take the page along: it says so in its own place and can be tried again. */
import { Component } from "react";
import { t } from "./messages.js";

class Guard extends Component {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  componentDidCatch(error, info) {
    console.error(`Widget ${this.props.name} failed.`, error, info.componentStack);
  }

  render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="note note-error" data-compact="true" role="alert">
        <p className="note-title">{t("widget.failed")}</p>
        <div className="note-actions">
          <button type="button" className="button button-small" onClick={() => this.setState({ failed: false })}>{t("action.retry")}</button>
        </div>
      </div>
    );
  }
}

/** The same widget, held by a guard of its own. */
export function guarded(Widget) {
  const name = Widget.name;
  const Guarded = (props) => <Guard name={name}><Widget {...props} /></Guard>;
  Guarded.displayName = name;
  return Guarded;
}
