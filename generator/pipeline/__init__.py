"""The pipeline: what each verb does, as a visible sequence of the rooms. State is passed, not looked up."""
