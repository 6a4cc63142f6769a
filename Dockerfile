# The service in an image: built with Rust on Debian, run on the same Debian without it.
FROM rust:1.95-bookworm AS build
WORKDIR /relink
COPY Cargo.toml Cargo.lock ./
COPY events events
COPY actors actors
COPY projections projections
COPY src src
RUN cargo build --release --locked --bin relink

FROM debian:bookworm-slim
# Deliveries over https are checked against the system's certificates; busybox asks for the health.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends busybox ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data relink \
    && install --directory --owner=relink --mode=0700 /data
COPY --from=build /relink/target/release/relink /usr/local/bin/relink
USER relink
WORKDIR /data
VOLUME /data
EXPOSE 4000
ENV RELINK_LISTEN=0.0.0.0:4000 RELINK_DATA=/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:4000/healthz"]
ENTRYPOINT ["relink"]
CMD ["serve"]
