"""The template room: where the template is, and rendering it. Copier is imported here alone, and lazily."""
