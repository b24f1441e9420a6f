import type { Message } from '../message.ts';

/** Why a receiver did not take a message; `clientError` and `authError` are final, the others may pass. */
export const DELIVERY_FAILURES = [
  'clientError',
  'authError',
  'rateLimited',
  'serverError',
  'timeout',
  'connection',
  'template',
] as const;

export type DeliveryFailure = (typeof DELIVERY_FAILURES)[number];

/** What a try came to. Texts name the receiver's answer, bounded, and hold no secret. */
export type Delivery =
  | {
      readonly outcome: 'delivered';
      /** What the receiver said, in one line: `HTTP 200`, `250 2.0.0 Ok: queued as 4F2`. */
      readonly answer: string;
      /** Kept with the group's log for its next message: a thread, the id of a message to edit. */
      readonly memory?: ReceiverMemory;
    }
  | {
      readonly outcome: 'failed';
      readonly failure: DeliveryFailure;
      readonly reason: string;
      /** Whether the same message may succeed later. */
      readonly retryable: boolean;
      /** The receiver's own word on when to come again (`Retry-After`); null where it gave none. */
      readonly retryAfterMs: number | null;
      /** Whether the message is too long: with fewer alerts it may succeed. */
      readonly isTooLong?: boolean;
      /** Whether it has opened the incident of what came and went, and could not close it. */
      readonly isOpened?: true;
      /** The recipients of a mail that have it all the same, after this try and those before: the next one leaves them out. */
      readonly takenBy?: readonly string[];
    };

/** What an integration remembers of an aggregation group from message to message; JSON, at most 4 KiB. */
export type ReceiverMemory = Readonly<Record<string, string>>;

export interface SendOptions {
  /** Aborted at the deadline of the try, and when the server stops. */
  readonly signal: AbortSignal;
  /** What the last delivered message of this group left; null for the first. */
  readonly memory: ReceiverMemory | null;
  /** The recipients that tries before have given the message to; none where absent. */
  readonly takenBy?: readonly string[];
  /** The incident of what came and went; absent where nobody keeps whether it is open. */
  readonly incident?: IncidentLog;
}

/** Whether the incident of what came and went is open at the service, kept between its opening and its closing. */
export interface IncidentLog {
  /** Whether an earlier try has opened it: the closing alone is left. */
  readonly isOpen: boolean;
  /** Writes down that it is open: a process that is killed then leaves its closing to the next. @throws what the database throws */
  opened(memory: ReceiverMemory | null): Promise<unknown>;
}

/** One item below a receiver's `…_configs`: sends messages one at a time, for one group after the other. */
export interface Integration {
  /** `webhook`, `email`, as metrics and logs call it. */
  readonly type: string;
  /** Its place among those of its type in the receiver, from 0. */
  readonly index: number;
  /** Whether it is told of what is resolved. */
  readonly sendResolved: boolean;
  /** How many alerts one message has at most. */
  readonly maxAlerts: number;
  /** How long one try may take. */
  readonly timeoutMs: number;
  /** Whether each group is an incident there: who has none open has none to close. */
  readonly opensIncidents?: true;
  /** Never rejects but for a programmer's mistake. */
  send(message: Message, options: SendOptions): Promise<Delivery>;
}
