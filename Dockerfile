# How the parts are pinned and how large they are: docs/releasing.md.
FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /build
COPY deno.json deno.lock main.ts ./
COPY src ./src
COPY .ci ./.ci
RUN deno task compile && mkdir /data

# cc has the C library and libgcc that the executable is linked to; static and base do not.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/dist/sse-server /usr/local/bin/sse-server
COPY --from=build --chown=nonroot:nonroot /data /data
USER nonroot:nonroot
EXPOSE 8000 8001
# Without a shell. It asks 127.0.0.1:8001; another -bindctl must be given as the variable SSE_BINDCTL.
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s CMD ["/usr/local/bin/sse-server", "health"]
ENTRYPOINT ["/usr/local/bin/sse-server"]
