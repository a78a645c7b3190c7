"""The language models that there are to choose from, and whether each can be used here.

Comes in: the machine's cache folder. Goes out: choices, the first available one being the default. Any thread.
A new model is an entry here and its loader; nothing is listed that cannot be run.
"""

from dataclasses import dataclass

from app.assets_store import check_assets

__all__ = ["ModelChoice", "known_models"]


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """One model. `reason`: why it cannot be used now, a sentence; None: it can."""

    name: str
    title: str
    about: str
    reason: str | None = None

    @property
    def is_available(self) -> bool:
        return self.reason is None


def known_models() -> tuple[ModelChoice, ...]:
    """Looks up a few files."""
    missing = [state.name for state in check_assets() if not state.is_usable]
    return (
        ModelChoice(
            name="embedded",
            title="Afterglow embedded (SmolLM2-135M)",
            about=(
                "Runs on this machine's processor, without a network. Knows 248 things by name and says only what the "
                "memory holds."
            ),
            reason=None
            if not missing
            else f"Its files are missing: {', '.join(missing)}. Start Afterglow once with a network.",
        ),
    )
