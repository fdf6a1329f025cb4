"""The answers of `lauter scaling` as plots, a page and a table."""
