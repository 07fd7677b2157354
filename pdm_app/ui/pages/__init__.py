"""The pages, one file per noun, listed in `all_pages`."""
