/* What all drawings with uPlot do alike: read colours of the theme, zoom by a selection, take on a new theme. */

const SELECTED_PX_MIN = 5; // Less is a click with an unsteady hand.

/** How custom properties of the theme in force are read, as a canvas needs them. */
export function themeReader() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

/** The hook for a selection: `zoom` gets its ends on the plot's own scale, and nothing stays selected. */
export const zoomsBy = (zoom) => (u) => {
  if (u.select.width < SELECTED_PX_MIN) return;
  zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
  u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
};

/** Draw again, after `recolour`, with every change of the theme, and once the fonts are there; ends with the plot. */
export function keptInTheme(plot, recolour) {
  const themed = new MutationObserver(() => {
    recolour();
    plot.redraw(false, true);
  });
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const destroy = plot.destroy.bind(plot);
  plot.destroy = () => {
    themed.disconnect();
    destroy();
  };
  document.fonts?.ready.then(() => plot.redraw(false, true));
  return plot;
}
