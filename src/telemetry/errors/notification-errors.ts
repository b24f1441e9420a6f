import { entry, type ErrorEntry } from './error-entry.ts';

/** Errors of notification, in the order of the alphabet. */
export const NOTIFICATION_ERRORS = {
  routing_invalid: entry(
    400,
    'The routing configuration (an Alertmanager configuration with what Omoi adds to it) has mistakes.',
    'The message says where and why, all of them at once: `omoi routing check FILE` tries a file without loading it. What ran before goes on.',
  ),
  secret_unreadable: entry(
    503,
    'The file of a secret cannot be read, so that what needs it is not sent.',
    'The message names the file: it has to be there and readable for the user that Omoi runs as. The next try reads it again.',
    true,
  ),
} as const satisfies Record<string, ErrorEntry>;
