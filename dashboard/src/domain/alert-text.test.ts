import { describe, expect, it } from 'vitest';
import { byUrgency, describeAlert, firstDescribed, type ToldAlert } from './alert-text.ts';

const alert = (told: Partial<ToldAlert>): ToldAlert => ({
  rule_id: 'queue/HighQueueDepth',
  severity: 'warning',
  labels: {},
  annotations: {},
  acknowledged_by: null,
  fired_at: '2026-11-22T12:00:00.000Z',
  ...told,
});

describe('describeAlert', () => {
  it('names the alert and leaves out what is said elsewhere', () => {
    const labels = {
      alertname: 'HighQueueDepth',
      severity: 'warning',
      phase_id: 'PHASE_TESTING',
      priority: '5',
    };
    expect(describeAlert(alert({ labels, annotations: { summary: 'Too much waits.' } }))).toEqual({
      name: 'HighQueueDepth',
      subject: 'Testing',
      summary: 'Too much waits.',
      description: null,
      labels: ['priority=5'],
    });
    expect(describeAlert(alert({}))).toEqual({
      name: 'HighQueueDepth',
      subject: null,
      summary: null,
      description: null,
      labels: [],
    });
  });

  it.each([
    [{ summary: 'One waits.', description: 'Type this.' }, 'One waits.', 'Type this.'],
    [{ description: 'Type this.' }, 'Type this.', null],
    [{ summary: 'The same.', description: 'The same.' }, 'The same.', null],
  ])('says of %j what is the case and what to do', (annotations, summary, description) => {
    expect(describeAlert(alert({ annotations }))).toMatchObject({ summary, description });
  });
});

it('has what several alerts of a rule say alike read once', () => {
  const told = (id: string, rule_id: string, description: string) => {
    return { id, ...alert({ rule_id, annotations: { summary: `${id} is ill`, description } }) };
  };
  const list = [
    told('a', 'g/Silent', 'Look at it.'),
    told('b', 'g/Silent', 'Look at it.'),
    told('c', 'g/Silent', 'Look at c.'),
    told('d', 'g/Failed', 'Look at it.'),
    told('e', 'g/Silent', 'Look at it.'),
  ];
  expect([...firstDescribed(list)]).toEqual(['a', 'c', 'd']);
});

describe('byUrgency', () => {
  it('puts the unseen first, then the severe, then the new', () => {
    const told = [
      alert({ rule_id: 'seen', severity: 'critical', acknowledged_by: 'ada' }),
      alert({ rule_id: 'old', severity: 'error' }),
      alert({ rule_id: 'custom', severity: 'page' }),
      alert({ rule_id: 'new', severity: 'error', fired_at: '2026-11-22T12:00:01.000Z' }),
      alert({ rule_id: 'info', severity: 'info' }),
    ];
    expect(told.toSorted(byUrgency).map(({ rule_id }) => rule_id)).toEqual([
      'new',
      'old',
      'custom',
      'info',
      'seen',
    ]);
  });
});
