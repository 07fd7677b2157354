"""The screens: shell, theme, pages, and the live widgets that draw themselves in the browser."""
