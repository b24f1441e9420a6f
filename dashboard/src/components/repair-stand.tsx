import { describeStand } from '../domain/repair-story.ts';
import { ToneLabel } from './tone-dot.tsx';

/** Where a repair stands, in a word or two. */
export function RepairStand({ repair }: { readonly repair: Parameters<typeof describeStand>[0] }) {
  const { text, tone } = describeStand(repair);
  return <ToneLabel tone={tone}>{text}</ToneLabel>;
}
