import { describe, expect, it } from 'vitest';
import { runbookOf } from './runbook.ts';

describe('runbookOf', () => {
  it.each([
    [{ runbook_url: 'https://wiki.example/a' }, 'https://wiki.example/a'],
    [{ runbook: '/runbooks/AgentFailed' }, '/runbooks/AgentFailed'],
    [{ runbook_url: 'javascript:alert(1)' }, null],
    [{ runbook_url: '//elsewhere.example' }, null],
    [{ summary: 'x' }, null],
  ])('of %j is %s', (annotations, url) => expect(runbookOf(annotations)).toBe(url));
});
