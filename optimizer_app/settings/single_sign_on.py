"""Single sign-on with OpenID Connect. Endpoints are read from the provider itself, see views/single_sign_on.py."""

from django.core.exceptions import ImproperlyConfigured

from optimizer_app.settings import env

SSO_ISSUER = env.text("UPLIFT_OIDC_ISSUER").rstrip("/")  # empty: people sign in with passwords only
SSO_NAME = env.text("UPLIFT_OIDC_NAME", "your organization")
SSO_ROLE_CLAIM = env.text("UPLIFT_OIDC_ROLE_CLAIM", "groups")
SSO_ROLES = {value: role for value, _, role in (part.partition("=") for part in env.names("UPLIFT_OIDC_ROLES", []))}
SSO_DEFAULT_ROLE = env.text("UPLIFT_OIDC_DEFAULT_ROLE")  # of whoever no claim gives a role; empty: they stay out
OIDC_RP_CLIENT_ID = env.text("UPLIFT_OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = env.secret("UPLIFT_OIDC_CLIENT_SECRET")
OIDC_RP_SIGN_ALGO = env.text("UPLIFT_OIDC_ALGORITHM", "RS256")
OIDC_RP_SCOPES = env.text("UPLIFT_OIDC_SCOPES", "openid profile email groups")
OIDC_USE_PKCE = True
OIDC_TOKEN_USE_BASIC_AUTH = True
OIDC_TIMEOUT = 10
OIDC_AUTHENTICATION_CALLBACK_URL = "optimizer:sso-callback"
LOGIN_REDIRECT_URL_FAILURE = "/login/?sso=failed"

if SSO_ISSUER and not (OIDC_RP_CLIENT_ID and OIDC_RP_CLIENT_SECRET):
    raise ImproperlyConfigured("UPLIFT_OIDC_ISSUER needs UPLIFT_OIDC_CLIENT_ID and UPLIFT_OIDC_CLIENT_SECRET.")
