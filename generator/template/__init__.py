"""The template: where it is, what its plan says, rendering it through Copier."""
