import { expect, it } from 'vitest';
import { EVENT_TYPES } from '#telemetry';
import { eventTypesOf } from './event-types.ts';

it('is every type that is named or begins so, once', () => {
  expect(eventTypesOf('')).toBeNull();
  const fleet = EVENT_TYPES.filter((type) => type.startsWith('fleet.'));
  expect([...(eventTypesOf('fleet') ?? [])]).toEqual(fleet);
  expect([...(eventTypesOf(`${'fleet,'.repeat(160)}fleet`) ?? [])]).toEqual(fleet);
  expect([...(eventTypesOf('fleet.task.enqueued') ?? [])]).toEqual(['fleet.task.enqueued']);
});

it.each([',', 'fleet,', 'fleet.tsk', 'flee', 'fleet.'])('"%s" is refused', (types) => {
  expect(() => eventTypesOf(types)).toThrow(/is no event type and begins none/);
});
