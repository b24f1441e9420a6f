import { z } from 'zod';
import type { ErrorAnswer } from '../http/error-answer.ts';

/** What go-openapi, which Alertmanager is made with, calls what is wrong with a request. */
export const REFUSAL_CODES = { invalidType: 601, required: 602, tooFewItems: 612 } as const;

/** A request that Alertmanager would refuse, in the form in which it does. */
export class AlertmanagerRefusal extends Error {
  override readonly name = 'AlertmanagerRefusal';
  readonly status: number;
  readonly body: unknown;

  private constructor(status: number, message: string, body: unknown) {
    super(message);
    this.status = status;
    this.body = body;
  }

  /** What a handler of Alertmanager refuses: a text. */
  static text(status: 400 | 404 | 500, message: string): AlertmanagerRefusal {
    return new AlertmanagerRefusal(status, message, message);
  }

  /** What does not fit the description of its API. */
  static invalid(code: number, message: string): AlertmanagerRefusal {
    return new AlertmanagerRefusal(422, message, { code, message });
  }

  /** A body that is not made of what its schema says. */
  static unreadable(what: string, problem: string): AlertmanagerRefusal {
    const message = `parsing ${what} body from "" failed, because ${problem}`;
    return new AlertmanagerRefusal(400, message, { code: 400, message });
  }
}

/** The body of errors below `/alertmanager/` that are no texts. */
export const alertmanagerError = z
  .union([
    z.string(),
    z.object({
      code: z.number(),
      message: z.string(),
      error: z.string().optional().describe('The stable code of Omoi.'),
      docs: z.string().optional(),
    }),
  ])
  .meta({
    id: 'AlertmanagerError',
    description: 'What requests below /alertmanager/ that fail are answered with.',
  });

export function isAlertmanagerPath(path: string): boolean {
  return path.startsWith('/alertmanager/');
}

/** Statuses for which Alertmanager's clients read a text. */
const TEXT_STATUSES: readonly number[] = [400, 500];

/** The same failure as Alertmanager's clients read it. */
export function inAlertmanagerForm(failure: ErrorAnswer): {
  readonly status: number;
  readonly body: unknown;
} {
  const { status, body } = failure;
  const { error, message, docs } = body;
  if (TEXT_STATUSES.includes(status)) return { status, body: `${message} (${error})` };
  return { status, body: { code: status, message, error, docs } };
}
