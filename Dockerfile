# syntax=docker/dockerfile:1
# Debian 13 carries the C library that the native server was built for, so that nothing in it needs
# to be re-pointed. Runs with a read-only root file system.

FROM node:24-trixie-slim AS build
WORKDIR /opt/sallyport
ENV CI=true
# The step after the installation checks the native server, so its script comes with the manifest.
COPY package.json package-lock.json ./
COPY scripts scripts
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npm run build \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules/uWebSockets.js -name 'uws_*.node' \
    ! -name "uws_linux_$(node -p process.arch)_$(node -p process.versions.modules).node" -delete

FROM node:24-trixie-slim
WORKDIR /opt/sallyport
ENV NODE_ENV=production
COPY --from=build /opt/sallyport/package.json ./
COPY --from=build /opt/sallyport/node_modules node_modules
COPY --from=build /opt/sallyport/scripts/native-server-binaries.json scripts/
COPY --from=build /opt/sallyport/dist dist
# The files belong to root: the gateway cannot change its own code. 1000 is `node` of the base image.
USER 1000:1000
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# Alive, not ready: an instance that waits for its issuer's keys must not be killed for it. Port, host
# and TLS are those of the configuration. A container that is given another file needs a health
# check with that file, too.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "dist/main.js", "health", "--config", "/etc/sallyport/gateway.yaml"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve", "--config", "/etc/sallyport/gateway.yaml"]
