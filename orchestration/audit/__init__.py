"""The audit page: what was asked, kept and thrown away, with its reasons and its sound."""
