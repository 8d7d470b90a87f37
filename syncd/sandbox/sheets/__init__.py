"""Google Sheets: the company's spreadsheets, their API, and Google's token endpoint."""
