"""The pages over HTTP: the only place of Starlette, uvicorn and Jinja2."""
