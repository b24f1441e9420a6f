import { parseDuration } from './new-silence.ts';

/** A field of an order, by what the server calls it or what is read from it. */
export interface OrderField {
  readonly name: string;
  readonly label: string;
  readonly initial?: string;
  readonly placeholder?: string;
  /** What is proposed while somebody types. */
  readonly choices?: readonly string[];
  readonly maxLength: number;
}

export type Typed = Readonly<Record<string, string>>;

/** What is sent, or what is wrong, by field. */
export type ReadOrder = { readonly body: object } | { readonly faults: Typed };

/** An order about an alert with what a person says to it. */
export interface AlertOrder {
  /** `Snooze`: names the button, and with the alert the question. */
  readonly label: string;
  /** What will happen, in sentences. */
  readonly effect: string;
  /** The last part of its route. */
  readonly verb: 'acknowledge' | 'snooze' | 'assign';
  readonly fields: readonly OrderField[];
  readonly read: (typed: Typed) => ReadOrder;
}

const NOTE: OrderField = {
  name: 'note',
  label: 'Note',
  placeholder: 'what is being done',
  maxLength: 2_000,
};
const SNOOZE_TIMES = ['30m', '1h', '2h', '4h', '12h', '1d'] as const;
/** As the server has it. */
const maxSnoozeMs = 30 * 86_400_000;

export const ACKNOWLEDGE: AlertOrder = {
  label: 'Acknowledge',
  effect:
    'Everybody sees that you have it: it is not repeated and not escalated any more. It stays so until the alert ends.',
  verb: 'acknowledge',
  fields: [NOTE],
  read: ({ note }) => ({ body: noted(note) }),
};

export const SNOOZE: AlertOrder = {
  label: 'Snooze',
  effect:
    'Nobody is told that it fires for so long. If it still fires then, its receivers are told at once. A snooze can be ended sooner.',
  verb: 'snooze',
  fields: [
    {
      name: 'duration',
      label: 'For how long, or until when',
      initial: '1h',
      placeholder: '2h, or 08:00',
      choices: SNOOZE_TIMES,
      maxLength: 100,
    },
    NOTE,
  ],
  read: ({ duration = '', note }) => {
    const durationMs = parseDuration(duration) ?? untilTime(duration, new Date());
    if (durationMs === null)
      return { faults: { duration: 'Write how long, such as 30m or 4h, or a time of day: 08:00.' } };
    if (durationMs > maxSnoozeMs) return { faults: { duration: 'At most 30 days.' } };
    return { body: { duration_ms: durationMs, ...noted(note) } };
  },
};

/** @param me who is logged in @param people whom the schedules of who is on call know */
export function assignOrder(me: string, people: readonly string[]): AlertOrder {
  return {
    label: 'Assign',
    effect: 'Everybody sees who looks after it. Who is told of it stays as it is.',
    verb: 'assign',
    fields: [
      {
        name: 'person',
        label: 'To whom',
        initial: me,
        choices: [...new Set([me, ...people])],
        maxLength: 200,
      },
    ],
    read: ({ person = '' }) =>
      person.trim() === ''
        ? { faults: { person: 'Write who looks after it.' } }
        : { body: { assigned_to: person.trim() } },
  };
}

function noted(note = ''): { readonly note?: string } {
  return note.trim() === '' ? {} : { note: note.trim() };
}

/** How long it is from now until a time of day on the clock of the wall comes next, in ms; null for what is none. */
export function untilTime(text: string, now: Date): number | null {
  const [, hours, minutes] = /^\s*([01]?\d|2[0-3]):([0-5]\d)\s*$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return null;
  const then = new Date(now);
  then.setHours(Number(hours), Number(minutes), 0, 0);
  if (then <= now) then.setDate(then.getDate() + 1);
  return then.getTime() - now.getTime();
}
