import { describe, expect, it, vi } from 'vitest';
import { alertsNamed, oneAlertNamed } from './alerts-named.ts';

interface Fires {
  readonly rule: string;
  readonly id: string;
}

/** A server with the rules `fleet/AgentFailed` and `fleet/AgentStalled`, on which such alerts fire. */
function serverWith(...fires: readonly Fires[]) {
  const call = async (_method: string, path: string): Promise<unknown> => {
    const { pathname, searchParams } = new URL(path, 'http://omoi');
    if (pathname === '/api/v1/alerts/rules') {
      const rules = ['AgentFailed', 'AgentStalled'].map((name) => ({
        name,
        rule_id: `fleet/${name}`,
        kind: 'alerting',
      }));
      const recording = { name: 'tasks:rate', rule_id: 'fleet/tasks:rate', kind: 'recording' };
      return { groups: [{ name: 'fleet', rules: [...rules, recording] }], next_cursor: null };
    }
    expect([pathname, searchParams.get('state')]).toEqual(['/api/v1/alerts', 'firing']);
    const rule = searchParams.get('rule_id');
    const matcher = searchParams.get('matcher');
    const alerts = fires.filter(
      ({ rule: one }) => one === rule || `alertname=${JSON.stringify(one.split('/')[1])}` === matcher,
    );
    return { alerts, next_cursor: null };
  };
  return { call };
}

const failed = (id: string): Fires => ({ rule: 'fleet/AgentFailed', id });

describe('an alert that a person names', () => {
  it.each([
    ['by its id, also where the server has to say what it thinks of it', ['alrt_01x'], ['alrt_01x']],
    ['by the name of its rule: each that fires', ['AgentFailed'], ['alrt_1', 'alrt_2']],
    ['by the rule with its group', ['fleet/AgentFailed'], ['alrt_1', 'alrt_2']],
    ['twice', ['alrt_2', 'AgentFailed', 'fleet/AgentFailed'], ['alrt_2', 'alrt_1']],
  ])('%s', async (_how, words, ids) => {
    expect(await alertsNamed(serverWith(failed('alrt_1'), failed('alrt_2')), words)).toEqual({
      ids,
      unknown: 0,
    });
  });

  it.each([
    ['AgentFaild', 'there is no alert and no alert rule "AgentFaild"; did you mean AgentFailed?'],
    [
      'fleet/AgentStaled',
      'there is no alert and no alert rule "fleet/AgentStaled"; did you mean fleet/AgentStalled?',
    ],
    ['tasks:rate', 'there is no alert and no alert rule "tasks:rate"; omoi alerts list shows what fires'],
    ['AgentStalled', 'no alert of the rule AgentStalled fires'],
  ])('%s is refused', async (word, message) => {
    const refused = alertsNamed(serverWith(failed('alrt_1')), [word]);
    await expect(refused).rejects.toMatchObject({ code: 'unknown_alert', message });
  });

  it('of several words the others are meant all the same, and it is said of the one', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const named = await alertsNamed(serverWith(failed('alrt_1')), ['AgentStalled', 'AgentFailed']);
      expect(named).toEqual({ ids: ['alrt_1'], unknown: 1 });
      expect(write.mock.calls).toEqual([['omoi: no alert of the rule AgentStalled fires (unknown_alert)\n']]);
    } finally {
      write.mockRestore();
    }
  });

  it('one is shown, by a rule of which one fires; of several the ids are named', async () => {
    expect(await oneAlertNamed(serverWith(failed('alrt_1')), 'AgentFailed')).toBe('alrt_1');
    const several = oneAlertNamed(serverWith(failed('alrt_1'), failed('alrt_2')), 'AgentFailed');
    await expect(several).rejects.toMatchObject({
      code: 'invalid_request',
      message: '2 alerts of AgentFailed fire; name one: alrt_1, alrt_2',
    });
  });
});
