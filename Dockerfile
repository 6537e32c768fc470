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
EXPOSE 8000 8001
ENTRYPOINT ["/usr/local/bin/sse-server"]
