"""The report: one offline HTML page to look at, and its pictures."""
