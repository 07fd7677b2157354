"""One protocol per file, all behind the `Driver` port; `registry` lists them."""
