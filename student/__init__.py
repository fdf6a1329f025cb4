"""Who learns: codec, model, distillation, evaluation. Not built yet."""
