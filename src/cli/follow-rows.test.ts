import { describe, expect, it } from 'vitest';
import type { SystemEvent } from '#telemetry';
import { tellsOf } from './follow-rows.ts';

const event = (entityId: string, payload: object): SystemEvent =>
  ({ id: 1, event_type: 'watchdog.escalated', entity_id: entityId, payload }) as unknown as SystemEvent;

describe('an event tells of w-1', () => {
  it.each([
    ['where it is about it', event('w-1', {}), true],
    ['where it names it', event('rem_1', { agent_id: 'w-1' }), true],
    ['where it is the target', event('rem_1', { target: { kind: 'agent', id: 'w-1' } }), true],
    ['and not where another one is', event('w-11', { agent_id: 'w-11', target: null }), false],
  ])('%s', (_, one, tells) => expect(tellsOf('w-1')(one)).toBe(tells));
});
