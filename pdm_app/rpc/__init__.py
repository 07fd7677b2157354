"""The product's procedures, one router per noun, built on `pdm_app.trpc`."""
