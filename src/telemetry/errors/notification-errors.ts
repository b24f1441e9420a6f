import { entry, type ErrorEntry } from './error-entry.ts';

/** Errors of notification, in the order of the alphabet. */
export const NOTIFICATION_ERRORS = {
  invalid_override: entry(
    400,
    'An override of who is on call cannot be as it is asked for, and nothing was changed.',
    'The message says what is wrong: its times, or that there are too many.',
  ),
  invalid_silence: entry(
    400,
    'A silence cannot be as it is asked for, and nothing was changed.',
    'The message says what is wrong: its times, a matcher, or its size. One matcher of each set has to ask for a label that is there.',
  ),
  link_invalid: entry(
    401,
    'A link from a message has expired, was cut off, or was not made by this server. Nothing was done.',
    'Open the alert in mission control, or take a link of a newer message.',
  ),
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
  silence_ended: entry(
    409,
    'The silence has ended, or another one has taken its place: it is not changed any more, nor is its end.',
    'The message names the one that took its place, if one did: change that; else set a new one, `omoi silences add`.',
  ),
  too_many_link_tries: entry(
    429,
    'Too many links were tried that this server has not made. Nothing was done; links that it has made go on working.',
    'Wait a minute. Look who tries: the log of requests names `/n/`.',
    true,
  ),
  too_many_silences: entry(
    409,
    'As many silences are set as may be, or as many that every alert has to be held against.',
    'The message names the limit. End those that are no longer needed (`omoi silences list`, then `expire`), or name a value in the new one, as in `alertname="Down"`.',
  ),
  unknown_notification: entry(
    404,
    'No message has this id, or it was sent long ago.',
    'List them with `omoi notifications list`.',
  ),
  unknown_on_call: entry(
    404,
    'No schedule of the routing configuration, no person under `people`, or no override has this name.',
    'List them with `omoi on-call show`.',
  ),
  unknown_receiver: entry(
    404,
    'No receiver of the routing configuration has this name.',
    'List them with `omoi receivers list`.',
  ),
  unknown_silence: entry(
    404,
    'No silence has this id, or it has ended long ago.',
    'List the silences with `omoi silences list --state all`.',
  ),
} as const satisfies Record<string, ErrorEntry>;
