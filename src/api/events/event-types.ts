import { EVENT_TYPES, OmoiError, type EventType } from '#telemetry';

/**
 * The event types that a list of types and their dotted beginnings means, each once; null where the list is empty.
 * @throws OmoiError `invalid_request` where one is no type and begins none
 */
export function eventTypesOf(asked: string): ReadonlySet<EventType> | null {
  if (asked === '') return null;
  const meant = new Set<EventType>();
  for (const beginning of asked.split(',')) {
    const found = EVENT_TYPES.filter((type) => type === beginning || type.startsWith(`${beginning}.`));
    if (found.length === 0) {
      throw new OmoiError('invalid_request', `types: "${beginning}" is no event type and begins none`);
    }
    for (const type of found) meant.add(type);
  }
  return meant;
}
