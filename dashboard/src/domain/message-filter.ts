/** Which messages are shown, as the server is asked for them. */
export type MessageFilter = Readonly<Partial<Record<'state' | 'receiver', string>>>;

export const MESSAGE_CHOICES = ['all', 'waiting', 'delivered', 'failed'] as const;
export type MessageChoice = (typeof MESSAGE_CHOICES)[number];

const STATES = { waiting: 'pending', delivered: 'delivered', failed: 'failed' } as const;

/** What the address says of the page of routes; what it does not say is all messages, and no alert to try. */
export interface RoutingSearch {
  readonly messages?: MessageChoice | undefined;
  /** Only messages to this receiver. */
  readonly receiver?: string | undefined;
  /** The labels of an alert of which somebody asks where it would go: `team="web", severity=critical`. */
  readonly labels?: string | undefined;
}

/** Reads an address; what it does not understand is left out. */
export function readRoutingSearch({ messages, receiver, labels }: Record<string, unknown>): RoutingSearch {
  const choice = MESSAGE_CHOICES.find((one) => one === messages);
  return {
    ...(choice === undefined || choice === 'all' ? {} : { messages: choice }),
    ...(typeof receiver === 'string' && receiver !== '' ? { receiver } : {}),
    ...(typeof labels === 'string' && labels !== '' ? { labels: labels.slice(0, 4_000) } : {}),
  };
}

export function messageFilterOf({ messages = 'all', receiver }: RoutingSearch): MessageFilter {
  return {
    ...(messages === 'all' ? {} : { state: STATES[messages] }),
    ...(receiver === undefined ? {} : { receiver }),
  };
}
