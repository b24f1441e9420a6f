import { hashOfGroup } from '../group-key.ts';

/**
 * The id that all mails about a group answer: of no mail, so that each program shows them below one head. The same as Alertmanager
 * gives it: threads go on where Omoi takes its place.
 * @param byDate `daily`: a thread a day, in UTC; `none`: one for good
 */
export function threadOf(groupKey: string, byDate: string, atMs: number): string {
  const day = byDate === 'none' ? '' : new Date(atMs).toISOString().slice(0, 10);
  return `<alert-${hashOfGroup(groupKey).slice(0, 16)}-${day}@alertmanager>`;
}
