import { spanIdOf, traceIdOf } from '#telemetry';

/** A caller's W3C traceparent, or null where there is none that is valid (all-zero ids are not). */
export function readTraceparent(header: string | string[] | undefined): string | null {
  if (typeof header !== 'string') return null;
  const traceId = traceIdOf(header);
  const spanId = spanIdOf(header);
  if (traceId === null || spanId === null) return null;
  return /^0+$/.test(traceId) || /^0+$/.test(spanId) ? null : header;
}
