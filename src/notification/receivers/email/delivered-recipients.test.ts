import { expect, it } from 'vitest';
import { DeliveredRecipients, maxRememberedNotifications } from './delivered-recipients.ts';

it('forgets the oldest notification when there are too many', () => {
  const delivered = new DeliveredRecipients();
  for (let index = 0; index < maxRememberedNotifications; index++) delivered.add(`ntf_${index}`, ['a']);
  expect(delivered.missing('ntf_0', ['a', 'b'])).toEqual(['b']);
  delivered.add('ntf_0', ['b']);
  delivered.add('one more', ['a']);
  expect(delivered.missing('ntf_0', ['a', 'b'])).toEqual([]);
  expect(delivered.missing('ntf_1', ['a', 'b'])).toEqual(['a', 'b']);
  expect(delivered.missing('ntf_2', ['a', 'b'])).toEqual(['b']);
});
