import { describe, expect, it } from 'vitest';
import { countFleet, describeFleet, type FleetOverview } from './headline.ts';

const agents = (...statuses: string[]) => statuses.map((status) => ({ status }));
const alert = (state: string, severity: string, acknowledged_by: string | null = null) => ({
  state,
  severity,
  acknowledged_by,
});
const remediation = (endedAt: string | null) => ({ ended_at: endedAt });

const ROWS: readonly (Partial<FleetOverview> & { readonly text: string; readonly tone: string })[] = [
  { text: 'No agents yet.', tone: 'gone' },
  { agents: agents('IDLE', 'RUNNING', 'TERMINATED'), text: 'All is well with 2 agents.', tone: 'good' },
  { agents: agents('IDLE', 'FAILED', 'SPAWNING'), text: '2 agents of 3 not working.', tone: 'caution' },
  {
    agents: agents('IDLE'),
    remediations: [remediation(null), remediation('2026-01-01T00:00:00Z')],
    text: '1 repair under way.',
    tone: 'repair',
  },
  {
    alerts: [alert('firing', 'warning'), alert('firing', 'critical'), alert('resolved', 'critical')],
    remediations: [remediation(null)],
    text: '2 alerts firing, 1 repair under way.',
    tone: 'bad',
  },
  { alerts: [alert('firing', 'critical', 'ada')], text: '1 alert firing.', tone: 'caution' },
  {
    alerts: [alert('firing', 'info'), alert('firing', 'critical', 'ada')],
    text: '2 alerts firing.',
    tone: 'busy',
  },
];

describe('describeFleet', () => {
  it.each(ROWS)('$text', ({ agents = [], alerts = [], remediations = [], text, tone }) => {
    expect(describeFleet(countFleet({ agents, alerts, remediations }))).toEqual({ text, tone });
  });
});
