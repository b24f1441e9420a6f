import type { ReceiverExtras } from '../configuration/omoi-settings.ts';
import type { Integration } from '../receivers/integration.ts';

/** An integration of a receiver that is in force. */
export interface RunningIntegration {
  /** `receiver/type/index`: what rows name it by. */
  readonly key: string;
  readonly receiver: string;
  /** What its messages say of why they come here; null mostly. */
  readonly note: string | null;
  /** How many messages it is sent in which time, a digest of what is beyond among them; null: as many as there are. */
  readonly rateLimit: ReceiverExtras['rateLimit'];
  readonly integration: Integration;
  /** What it was made of: whether it is another one after a reload. */
  readonly settings: unknown;
}

export function integrationKey(
  receiver: string,
  { type, index }: Pick<Integration, 'type' | 'index'>,
): string {
  return `${receiver}/${type}/${index}`;
}
