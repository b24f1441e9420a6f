/** What the address says about mission control: everything that a person chose to see. */
export interface MissionControlSearch {
  /** Only this pool’s agents; undefined: all. */
  readonly pool?: string;
  /** The agent whose details are open. */
  readonly agent?: string;
  /** How much of the queue’s past is shown. */
  readonly range: QueueRange;
  readonly events: EventFilter;
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
} as const;
export type EventFilter = keyof typeof EVENT_FILTERS;
export const EVENT_FILTER_NAMES: EventFilter[] = ['all', 'fleet', 'alerts', 'repairs'];

/** What the address says when it says nothing. */
export const MISSION_CONTROL_DEFAULTS = { range: '15m', events: 'all' } as const;

/** Reads an address; what it does not understand becomes the default. */
export function readMissionControlSearch(search: Record<string, unknown>): MissionControlSearch {
  const { pool, agent, range, events } = search;
  return {
    ...(typeof pool === 'string' && pool !== '' ? { pool } : {}),
    ...(typeof agent === 'string' && agent !== '' ? { agent } : {}),
    range: isKeyOf(QUEUE_RANGES, range) ? range : MISSION_CONTROL_DEFAULTS.range,
    events: isKeyOf(EVENT_FILTERS, events) ? events : MISSION_CONTROL_DEFAULTS.events,
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
