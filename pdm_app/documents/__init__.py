"""Files for people and programs: tables as CSV, XLSX, JSON and Parquet."""
