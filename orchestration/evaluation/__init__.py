"""The evaluation as files and tables: figures, the page with sounds side by side, every row."""
