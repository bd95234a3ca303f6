# The demonstration in a container:
#   docker build -t pare . && docker run --rm -v pare_data:/home/pare/project/data pare
# With CUDA: docker build --build-arg TORCH=cu128 -t pare . && docker run --rm --gpus all pare
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# Which build of torch: cpu, cu126, cu128, … (https://download.pytorch.org/whl/).
ARG TORCH=cpu
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/${TORCH} \
    PIP_NO_CACHE_DIR=1 \
    DO_NOT_TRACK=1

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 pare

USER 1000
WORKDIR /home/pare/project
ENV VENV=/home/pare/venv
COPY --chown=pare . .
RUN make /home/pare/venv/demo.done

ENV PATH=/home/pare/venv/bin:$PATH
CMD ["make", "demo"]
