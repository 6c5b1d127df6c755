"""An OpenID Connect provider in a process of its own: Canaille, with one client and a few people.

`python -m tests.journeys.identity_provider PORT REDIRECT_ADDRESS`
"""

import os
import sys
from wsgiref.simple_server import make_server

CLIENT, SECRET = "uplift", "the-secret-of-the-client"
PEOPLE = {"ada": ["uplift-admins"], "bob": ["visitors"]}
PASSWORD = "correct horse battery staple"


def main(port: int, redirect: str) -> None:
    """Serves until it is killed."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    from canaille import create_app
    from canaille.app import models
    from canaille.backends import Backend
    from joserfc.jwk import JWKRegistry

    key = JWKRegistry.generate_key("RSA", 2048)
    key.ensure_kid()
    quiet = {"version": 1, "disable_existing_loggers": False}
    app = create_app(
        config={
            "ENV_FILE": None,
            "SECRET_KEY": "of-the-provider",
            "PREFERRED_URL_SCHEME": "http",
            "SERVER_NAME": f"127.0.0.1:{port}",
            "CANAILLE": {
                "DATABASE": "memory",
                "JAVASCRIPT": False,
                "LOGGING": quiet,
                "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"], "READ": ["user_name", "groups"]}},
            },
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
        }
    )
    with app.app_context():
        for name, groups in PEOPLE.items():
            person = models.User(user_name=name, formatted_name=name, family_name=name, emails=[f"{name}@example.org"])
            person.password = PASSWORD
            Backend.instance.save(person)
            for group in groups:
                Backend.instance.save(models.Group(display_name=group, members=[person]))
        client = models.Client(
            client_id=CLIENT, client_secret=SECRET, client_name="Uplift", redirect_uris=[redirect], client_uri=redirect,
            contacts=["a@example.org"], scope=["openid", "profile", "email", "groups"], response_types=["code"],
            grant_types=["authorization_code"], id_token_signed_response_alg="RS256",
            token_endpoint_auth_method="client_secret_basic",
        )  # fmt: skip
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
    make_server("127.0.0.1", port, app).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
