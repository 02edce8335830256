"""The steps; a step that was shipped is never changed."""
