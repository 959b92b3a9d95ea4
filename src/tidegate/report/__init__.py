"""The page on a comparison: from its dictionary (result.py) to one HTML file, or to Markdown."""

from tidegate.report.files import write_html
from tidegate.report.markdown import to_markdown
from tidegate.report.page import to_html

__all__ = ["to_html", "to_markdown", "write_html"]
