/* Sets data-theme and data-density before the first paint: the reader's choice, else the system's, which it follows. */
(() => {
  const KEY = "pdm.theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const apply = () => {
    const choice = chosen(KEY);
    document.documentElement.dataset.theme = choice === "light" || choice === "dark" ? choice : dark.matches ? "dark" : "light";
    document.documentElement.dataset.density = chosen("pdm.density") === "compact" ? "compact" : "comfortable";
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === KEY && apply());
  addEventListener("pdm-theme", apply);
})();
