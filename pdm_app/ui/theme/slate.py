"""Slate, light and dark: no Radix, no CDN; plain elements with classes over one set of tokens."""

import reflex as rx

STYLESHEETS = [
    "slate/tokens.css",
    "slate/base.css",
    "slate/controls.css",
    "slate/shell.css",
    "slate/settings.css",
    "slate/people.css",
    "slate/directories.css",
    "slate/general.css",
    "slate/plant_edit.css",
    "slate/api.css",
    "slate/audit.css",
    "slate/certificates.css",
    "slate/live.css",
    "slate/alarms.css",
    "slate/trend.css",
    "slate/signals.css",
    "slate/storage.css",
    "slate/firmware.css",
    "slate/campaigns.css",
    "slate/imports.css",
    "slate/workspace.css",
    "slate/tour.css",
    "slate/batches.css",
    "slate/production.css",
    "slate/notices.css",
    "slate/bell.css",
    "slate/models.css",
]
"""In the order of the cascade: what comes later may refine what stands before."""

FONTS_AT_ONCE = ("inter-latin-wght-normal.woff2",)


HEAD: list[rx.Component] = [
    rx.el.script(src="/theme.js"),  # Sets the theme of the reader before the first paint.
    rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
    rx.el.meta(name="color-scheme", content="light dark"),
    *(
        rx.el.link(
            rel="preload",
            href=f"/fonts/{font}",
            type="font/woff2",
            cross_origin="anonymous",
            custom_attrs={"as": "font"},
        )
        for font in FONTS_AT_ONCE
    ),
]
"""What stands in the head of every page."""
