# The base is an argument so that the image can be built on a mirror or on a base made by hand
# (docker/build-without-daemon.sh). It must bring Node 20.19 or later with npm, and apt.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends python3 make g++ \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# nodedir: compile the native addons against the headers that came with this node, fetch none.
RUN npm_config_nodedir="$(dirname "$(dirname "$(command -v node)")")" npm ci
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build && npm prune --omit=dev && rm -f dist/.tsbuildinfo

FROM ${BASE_IMAGE} AS runtime
RUN apt-get update \
  && apt-get install --yes --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --system --gid 7272 coppice \
  && useradd --system --uid 7272 --gid coppice --no-create-home --home-dir /data --shell /usr/sbin/nologin coppice \
  && install --directory --owner=coppice --group=coppice --mode=0750 /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY LICENSE ./
# HOST is every interface of the container: without API keys the service then refuses to start,
# unless ALLOW_ANONYMOUS=true says that publishing the port is guarded elsewhere.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=7272 DATA_DIR=/data
# Large buffers go back to the system when they are freed; glibc would keep them for itself after the first ones.
ENV MALLOC_MMAP_THRESHOLD_=262144 MALLOC_TRIM_THRESHOLD_=262144
# By number, so that an orchestrator can see that it is not root.
USER 7272:7272
VOLUME /data
EXPOSE 7272
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["node", "dist/src/main.js"]
