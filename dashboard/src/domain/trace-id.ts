/** The 32 hex digits of the trace in a W3C traceparent, or null. */
export function traceIdOf(traceparent: string | null): string | null {
  return traceparent === null ? null : (/^00-([0-9a-f]{32})-/.exec(traceparent)?.[1] ?? null);
}
