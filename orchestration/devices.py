"""Whether a device that a setting names is here, asked before anything is loaded onto it."""

from lauter.datasets.errors import UsageError


def existing_device(key: str, name: str) -> str:
    """Return ``name``, the value of the setting ``key``.

    Raises ``UsageError`` for a device that is not here.
    """
    import torch  # takes seconds to import

    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"there is no device '{name}' here; set {key}=cpu") from error
    return name
