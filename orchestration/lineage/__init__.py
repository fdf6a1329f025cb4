"""The lineage page: how edited speech came about, step by step, with its measures and its sound."""
