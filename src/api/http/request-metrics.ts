import type { SelfMetrics } from '#telemetry';
import type { ApiApp } from './app.ts';

/** Counts every request by its route, so that the number of series is that of the routes. */
export function countRequests(app: ApiApp, parts: { readonly metrics: SelfMetrics }): void {
  const requests = parts.metrics.counter(
    'omoi_http_requests_total',
    'Requests answered, by route and status.',
  );
  const seconds = parts.metrics.counter(
    'omoi_http_request_duration_seconds_total',
    'Time spent answering requests, by route; long polls include their wait.',
  );
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
    const { method } = request;
    requests.add(1, { method, route, code: String(reply.statusCode) });
    seconds.add(reply.elapsedTime / 1000, { method, route });
    done();
  });
}
