"""The sentences that the memory entails: what an answer may be, and what the training teaches."""

from app.language.embedded.statements.families import CANNOT_TELL, FAMILIES, GREETING, NUM_NAMED, Statements, entailed

__all__ = ["CANNOT_TELL", "FAMILIES", "GREETING", "NUM_NAMED", "Statements", "entailed"]
