"""``gunicorn wsgi:app`` and the ``flask`` command find the application here."""

from expo_crm.app import create_app

app = create_app()
