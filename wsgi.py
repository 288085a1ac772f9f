"""``gunicorn wsgi:app`` and the ``flask`` command find the application here."""

import gc

from expo_crm.app import create_app

app = create_app()
# What stands now stays for good; looking through it for garbage again and again was a tenth of a scan's time.
gc.freeze()
