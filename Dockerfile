# The image of Omoi: docker build . --tag omoi
# Nothing but the packages of package-lock.json gets in: what installs Omoi has no network.
FROM node:24.21.0-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY agent/package.json agent/
COPY dashboard/package.json dashboard/
RUN npm ci --no-audit --no-fund
COPY . .
RUN mkdir /packages \
 && npm pack . ./agent --pack-destination /packages
# What the tarballs do not depend on goes again.
WORKDIR /opt/omoi
RUN cp -r /src/node_modules . \
 && npm install --offline --ignore-scripts --no-audit --no-fund /packages/*.tgz

FROM node:24.21.0-trixie-slim
RUN install -d -o node -g node -m 0700 /var/lib/omoi \
 && ln -s /opt/omoi/node_modules/.bin/omoi /usr/local/bin/omoi
COPY --from=build /opt/omoi /opt/omoi
ENV OMOI_DATA_DIRECTORY=/var/lib/omoi \
    OMOI_HTTP_HOST=0.0.0.0 \
    OMOI_OTLP_HOST=0.0.0.0
WORKDIR /var/lib/omoi
VOLUME ["/var/lib/omoi"]
EXPOSE 4600 4318
USER node
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.OMOI_HTTP_PORT ?? 4600}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["omoi"]
CMD ["serve"]
