/** Which traces are asked for. */
export interface TraceQuery {
  /** Wall ms since epoch, both inclusive: a trace counts when one of its spans started in between. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** The name of one of its spans. */
  readonly name?: string;
  readonly serviceName?: string;
  /** Of one span: all of these attributes, compared as text. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Only traces with a span that failed. */
  readonly status?: 'error';
  /** At most 1000. */
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}
