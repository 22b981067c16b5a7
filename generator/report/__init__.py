"""Renderers over one plan object: text, and in time Markdown and HTML."""
