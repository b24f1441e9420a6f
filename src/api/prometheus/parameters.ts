import { MAX_DURATION_MS, OmoiError, parseDuration } from '#telemetry';

/** The parameters of a request, from its body and its URL; the body's come first, and the first one counts. */
export class Parameters {
  readonly #sources: readonly object[];

  constructor(...sources: readonly unknown[]) {
    this.#sources = sources.filter((source) => typeof source === 'object' && source !== null);
  }

  /** All values of a parameter. */
  all(name: string): readonly string[] {
    return this.#sources.flatMap((source) => {
      const given: unknown = Object.entries(source).find(([key]) => key === name)?.[1];
      return [given].flat().filter((value) => typeof value === 'string');
    });
  }

  /** Its first value; '' where it is missing, which means the same. */
  text(name: string): string {
    return this.all(name)[0] ?? '';
  }

  /** @returns ms since the epoch; null where it is missing */
  time(name: string): number | null {
    const text = this.text(name);
    if (text === '') return null;
    const timeMs = parseTime(text);
    if (timeMs !== null) return timeMs;
    throw invalidParameter(
      name,
      `invalid time value for '${name}': cannot parse "${text}" to a valid timestamp`,
    );
  }

  /** As `time`, of a parameter that has to be there. */
  requiredTime(name: string): number {
    const text = this.text(name);
    const timeMs = parseTime(text);
    if (timeMs !== null) return timeMs;
    throw invalidParameter(name, `cannot parse "${text}" to a valid timestamp`);
  }

  /** Seconds or a Prometheus duration, in ms; null where it is missing. */
  duration(name: string): number | null {
    return this.text(name) === '' ? null : this.requiredDuration(name);
  }

  requiredDuration(name: string): number {
    return readDuration(this.text(name), (problem) => invalidParameter(name, problem));
  }

  /** How many things at most; null where there is no limit. */
  limit(name = 'limit'): number | null {
    const text = this.text(name);
    if (text === '') return null;
    if (!INTEGER.test(text)) {
      throw invalidParameter(name, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    const limit = Number(text);
    if (limit < 0) throw invalidParameter(name, 'limit must be non-negative');
    return limit === 0 ? null : limit;
  }
}

const NS_PER_MS = 1e6;
/** The ends of time as far as dates are known; what lies beyond stands for them. */
export const EARLIEST_MS = -8.64e15;
export const LATEST_MS = 8.64e15;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const INTEGER = /^[+-]?\d+$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;
const RFC3339 = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)$/;
/** The ends of time as Prometheus's own clients write them. */
const BOUNDARIES: ReadonlyMap<string, number> = new Map([
  ['-292273086-05-16T16:47:06Z', EARLIEST_MS],
  ['292277025-08-18T07:12:54.999999999Z', LATEST_MS],
]);

/** Unix seconds or RFC 3339 as ms since the epoch; null for what is neither. */
export function parseTime(text: string): number | null {
  if (DECIMAL.test(text)) {
    const seconds = Number(text);
    const whole = Math.trunc(seconds);
    if (!Number.isFinite(seconds)) return null;
    const timeMs = whole * 1000 + Math.round((seconds - whole) * 1000);
    return Math.min(Math.max(timeMs, EARLIEST_MS), LATEST_MS);
  }
  const boundary = BOUNDARIES.get(text);
  if (boundary !== undefined) return boundary;
  const [, day] = RFC3339.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return null;
  const timeMs = Date.parse(text.replace(',', '.'));
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** Whether the calendar has the day: `Date` takes 30 February for 2 March. */
function isDay(day: string): boolean {
  const startMs = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(startMs) && new Date(startMs).toISOString().startsWith(day);
}

/**
 * Seconds or a Prometheus duration, in ms; exact to the nanosecond.
 * @param refuse makes the error of a problem
 */
export function readDuration(text: string, refuse: (problem: string) => OmoiError): number {
  const problem = `cannot parse "${text}" to a valid duration`;
  if (DECIMAL.test(text)) {
    const durationMs = Math.trunc(Number(text) * 1000 * NS_PER_MS) / NS_PER_MS;
    if (Math.abs(durationMs) <= MAX_DURATION_MS) return durationMs;
  }
  if (DECIMAL.test(text) || INFINITE.test(text)) throw refuse(`${problem}. It overflows int64`);
  const durationMs = parseDuration(text);
  if (durationMs !== null && durationMs <= MAX_DURATION_MS) return durationMs;
  throw refuse(problem);
}

/** A refusal in Prometheus's words. */
export function invalidParameter(name: string, problem: string): OmoiError {
  return new OmoiError('invalid_request', `invalid parameter "${name}": ${problem}`, { parameter: name });
}

/** Runs what reads a parameter, and says which one it was where that fails. */
export function readingParameter<Read>(name: string, read: () => Read): Read {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof OmoiError)) throw thrown;
    throw new OmoiError(
      thrown.code,
      `invalid parameter "${name}": ${thrown.message}`,
      thrown.details,
      thrown,
    );
  }
}
