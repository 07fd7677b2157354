"""Where samples are sent besides history: files, PostgreSQL and InfluxDB, each behind `pdm_app.domain.sinks.Target`."""
