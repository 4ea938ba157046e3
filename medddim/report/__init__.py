"""The report: one offline HTML page to look at, and its pictures."""

from medddim.report.case import Case
from medddim.report.page import write_report
from medddim.report.picture import picture

__all__ = ["Case", "picture", "write_report"]
