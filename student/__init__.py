"""Who learns: codec, model, distillation, evaluation."""
