"""Sign-in through the real form and database."""

import re

from tests.support.cast import play, sign_in


def test_the_right_password_opens_and_the_wrong_one_tells_nothing(client, session):
    cast = play(session)
    wrong = client.post("/sign-in", data={"email": cast.sales.email, "password": "wrong wrong wrong"})
    nobody = client.post("/sign-in", data={"email": "nobody@example.com", "password": "wrong wrong wrong"})
    assert wrong.status_code == nobody.status_code == 422
    sign_in(client, cast.admin)
    assert client.get("/users").status_code == 200


def test_a_role_opens_only_its_pages(client, session):
    cast = play(session)
    sign_in(client, cast.reader)
    assert client.get("/users").status_code == 403
    assert client.get("/outbox").status_code == 403


def test_ten_failures_close_the_account_for_a_while(client, session):
    cast = play(session)
    for _ in range(10):
        client.post("/sign-in", data={"email": cast.sales.email, "password": "wrong wrong wrong"})
    assert client.post("/sign-in", data={"email": cast.sales.email, "password": "seven quiet bamboo boats"}).status_code == 422


def test_an_administrator_gives_a_link_for_a_new_password(app, client, session):
    cast = play(session)
    sign_in(client, cast.admin)
    page = client.post(f"/users/{cast.sales.id}/password-link").get_data(as_text=True)
    path = re.search(r"/welcome/[\w-]+", page)[0]
    colleague = app.test_client()
    fields = {"email": "ignored@example.com", "name": cast.sales.name, "password": "nine slow river barges"}
    assert colleague.post(path, data=fields).status_code == 302
    assert colleague.get("/companies").status_code == 200
    assert colleague.get("/users").status_code == 403  # the roles are as before
    assert app.test_client().get(path).status_code == 410
