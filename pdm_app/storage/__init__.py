"""Where records and samples are kept: SQLite in the data directory, or MySQL and MariaDB by URL."""
