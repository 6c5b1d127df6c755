"""Django settings, assembled from the environment. Every variable is listed in docs/settings.md."""

import os
import secrets
from pathlib import Path

from optimizer_app.common.keys import new_key
from optimizer_app.settings import env
from optimizer_app.settings.database import database
from optimizer_app.settings.logging import FORMATS, logging_settings
from optimizer_app.settings.navigation import UNFOLD as UNFOLD
from optimizer_app.settings.queue import celery_settings
from optimizer_app.settings.single_sign_on import (
    LOGIN_REDIRECT_URL_FAILURE as LOGIN_REDIRECT_URL_FAILURE,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_AUTHENTICATION_CALLBACK_URL as OIDC_AUTHENTICATION_CALLBACK_URL,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_RP_CLIENT_ID as OIDC_RP_CLIENT_ID,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_RP_CLIENT_SECRET as OIDC_RP_CLIENT_SECRET,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_RP_SCOPES as OIDC_RP_SCOPES,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_RP_SIGN_ALGO as OIDC_RP_SIGN_ALGO,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_TIMEOUT as OIDC_TIMEOUT,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_TOKEN_USE_BASIC_AUTH as OIDC_TOKEN_USE_BASIC_AUTH,
)
from optimizer_app.settings.single_sign_on import (
    OIDC_USE_PKCE as OIDC_USE_PKCE,
)
from optimizer_app.settings.single_sign_on import (
    SSO_DEFAULT_ROLE as SSO_DEFAULT_ROLE,
)
from optimizer_app.settings.single_sign_on import (
    SSO_ISSUER as SSO_ISSUER,
)
from optimizer_app.settings.single_sign_on import (
    SSO_NAME as SSO_NAME,
)
from optimizer_app.settings.single_sign_on import (
    SSO_ROLE_CLAIM as SSO_ROLE_CLAIM,
)
from optimizer_app.settings.single_sign_on import (
    SSO_ROLES as SSO_ROLES,
)

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(env.text("UPLIFT_DATA_DIR", str(BASE_DIR / "data"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

DEBUG = env.boolean("UPLIFT_DEBUG", False)
SECRET_KEY = env.kept_secret("UPLIFT_SECRET_KEY", DATA_DIR, lambda: secrets.token_urlsafe(50))
# "id:base64 key", the one in use first; older ones stay readable. Apart from SECRET_KEY, so each can change alone.
ENCRYPTION_KEYS = env.kept_secret("UPLIFT_ENCRYPTION_KEYS", DATA_DIR, new_key)
AUDIT_KEY = env.kept_secret("UPLIFT_AUDIT_KEY", DATA_DIR, secrets.token_urlsafe)
ALLOWED_HOSTS = env.names("UPLIFT_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.names("UPLIFT_TRUSTED_ORIGINS", [])
PUBLIC_HTTPS = env.boolean("UPLIFT_HTTPS", False)
# Language models may live on this machine or in this network; where people outside are admins, switch it off.
ALLOW_PRIVATE_ADDRESSES = env.boolean("UPLIFT_ALLOW_PRIVATE_ADDRESSES", True)
RUN_THREADS = env.integer("UPLIFT_RUN_THREADS", 4)
WORKER_PROCESSES = env.integer("UPLIFT_WORKER_PROCESSES", 2)
# Python modules that register workers, metrics, optimizers, proposers and tools with optimizer_app.sdk.
CODE_MODULES = env.names("UPLIFT_CODE_MODULES", [])
# A folder of Hugging Face model directories, which become language models called local/<directory>.
LOCAL_MODELS = env.text("UPLIFT_LOCAL_MODELS")
MAX_UPLOAD_MB = env.integer("UPLIFT_MAX_UPLOAD_MB", 20)

# Read by libraries when they are first imported, here or in a Celery worker.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")  # else the first price look-up goes to the network
os.environ.setdefault("DSPY_CACHEDIR", str(DATA_DIR / "dspy-cache"))

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "optimizer_app.apps.UpliftAdminConfig",
    "django.contrib.auth",  # before ours, which replaces its list of people
    "optimizer_app.apps.OptimizerAppConfig",
    "analytics",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",
    "axes",
    "csp",
]
MIDDLEWARE = [
    "optimizer_app.common.proxies.real_addresses",
    "optimizer_app.common.log_context.requests_told",
    "optimizer_app.common.headers.more_security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "optimizer_app.common.rates.rates_kept",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "optimizer_app.common.access.sign_in_required",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "optimizer_app.common.problems.refusals_as_pages",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "optimizer_app.urls"
WSGI_APPLICATION = "optimizer_app.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": database(env.secret("DATABASE_URL"), DATA_DIR)}
CACHE_URL = env.secret("CACHE_URL")
CACHES = {
    "default": {
        "BACKEND": f"django.core.cache.backends.{'redis.RedisCache' if CACHE_URL else 'locmem.LocMemCache'}",
        "LOCATION": CACHE_URL,
        "KEY_FUNCTION": "optimizer_app.common.ownership.cache_key",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CELERY = celery_settings(env.secret("BROKER_URL"), DATA_DIR)
LOG_FORMAT = env.choice("UPLIFT_LOG_FORMAT", "line", tuple(FORMATS))
LOGGING = logging_settings(env.text("UPLIFT_LOG_LEVEL", "WARNING"), LOG_FORMAT)

SENTRY_DSN = env.secret("SENTRY_DSN")
OTEL_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT")

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "optimizer_app.views.single_sign_on.Backend",
]
# scrypt needs 16 MB for each guess; hashes of before are renewed at the next sign-in.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
TEAMS = env.boolean("UPLIFT_TEAMS", False)
SECOND_FACTOR = env.choice("UPLIFT_SECOND_FACTOR", "optional", ("optional", "admins", "everybody"))
SIGN_IN_RATE = env.integer("UPLIFT_SIGN_IN_RATE", 30)
INGEST_RATE = env.integer("UPLIFT_INGEST_RATE", 6000)
PROXIES = env.integer("UPLIFT_PROXIES", 0)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "analytics:overview"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "locked.html"

LANGUAGE_CODE = "en"
TIME_ZONE = env.text("UPLIFT_TIME_ZONE", "UTC")
# Mail, for reports; without a host none is sent.
EMAIL_HOST = env.text("UPLIFT_SMTP_HOST")
EMAIL_PORT = env.integer("UPLIFT_SMTP_PORT", 587)
EMAIL_HOST_USER = env.text("UPLIFT_SMTP_USER")
EMAIL_HOST_PASSWORD = env.secret("UPLIFT_SMTP_PASSWORD")
EMAIL_USE_TLS = env.boolean("UPLIFT_SMTP_TLS", True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("UPLIFT_MAIL_FROM", "uplift@localhost")
PUBLIC_URL = env.text("UPLIFT_PUBLIC_URL").rstrip("/")  # for links in mails
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "analytics.staticfiles.PlotlyFinder",
]
# Compressed once, by `collectstatic`: a page with charts is 1.9 MB at the first visit instead of 6.1.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_MB * 1024 * 1024
NINJA_PAGINATION_CLASS = "optimizer_app.common.ninja.Pages"

# Unfold's shell runs Alpine, which needs unsafe-eval, and sets styles inline. Inline scripts stay forbidden.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 3600 * env.integer("UPLIFT_SESSION_HOURS", 12)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PUBLIC_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC_HTTPS else 0
# Subdomains and the browsers' preload list are for whoever owns the domain to decide, not for one service on it.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
if PUBLIC_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
