"""From Points and Shapes layers to prompts, and back."""
