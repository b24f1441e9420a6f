/** What the address of every page may say: what a person chose to see, kept on a reload and sent with a link. */
export interface ViewSearch {
  /** Only this pool’s agents; undefined: all. */
  readonly pool?: string;
  /** The agent whose details are open. */
  readonly agent?: string;
  /** How much of the queue’s past is shown. */
  readonly range: QueueRange;
  readonly events: EventFilter;
  /** Whether the pools are listed that share a line because all is well with them. */
  readonly well?: 'listed';
}

export const QUEUE_RANGES = { '5m': 300, '15m': 900, '1h': 3_600 } as const;
export type QueueRange = keyof typeof QUEUE_RANGES;
export const QUEUE_RANGE_NAMES: QueueRange[] = ['5m', '15m', '1h'];

/** Which events the feed shows, as beginnings of their types. */
export const EVENT_FILTERS = {
  all: '',
  fleet: 'fleet.',
  alerts: 'monitor.',
  repairs: 'watchdog.',
  messages: 'notification.',
} as const;
export type EventFilter = keyof typeof EVENT_FILTERS;
export const EVENT_FILTER_NAMES: EventFilter[] = ['all', 'fleet', 'alerts', 'repairs', 'messages'];

/** What the address says when it says nothing. */
export const VIEW_DEFAULTS = { range: '15m', events: 'all' } as const;

/** Reads an address; what it does not understand becomes the default. */
export function readViewSearch(search: Record<string, unknown>): ViewSearch {
  const { pool, agent, range, events, well } = search;
  return {
    ...(typeof pool === 'string' && pool !== '' ? { pool } : {}),
    ...(typeof agent === 'string' && agent !== '' ? { agent } : {}),
    range: isKeyOf(QUEUE_RANGES, range) ? range : VIEW_DEFAULTS.range,
    events: isKeyOf(EVENT_FILTERS, events) ? events : VIEW_DEFAULTS.events,
    ...(well === 'listed' ? { well } : {}),
  };
}

export interface TraceSearch {
  /** The span whose details are open. */
  readonly span?: string;
}

export function readTraceSearch({ span }: Record<string, unknown>): TraceSearch {
  return typeof span === 'string' && span !== '' ? { span } : {};
}

export interface LoginSearch {
  /** Why the server sent the browser here. */
  readonly error?: string;
  /** Where to go on after logging in; a path of this dashboard. */
  readonly next?: string;
}

export function readLoginSearch({ error, next }: Record<string, unknown>): LoginSearch {
  return {
    ...(typeof error === 'string' ? { error } : {}),
    // Never another site: a login page must not be made to send people on.
    ...(typeof next === 'string' && /^\/(?![/\\])/.test(next) ? { next } : {}),
  };
}

function isKeyOf<Table extends object>(table: Table, key: unknown): key is keyof Table {
  return typeof key === 'string' && Object.hasOwn(table, key);
}
