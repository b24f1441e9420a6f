import { statusOfMessage, type Message } from '../../message.ts';
import { attempt, failed } from '../answers.ts';
import { inOrder } from '../in-order.ts';
import { RequestSecrets } from '../http/request-secrets.ts';
import type { Delivery, SendOptions } from '../integration.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import { webhookPayload } from '../webhook/webhook-payload.ts';
import {
  commandSettings,
  notAllowed,
  templatedFieldsOfCommand,
  type CommandSettings,
} from './command-settings.ts';
import type { ProgramEnd } from './programs.ts';

/** How much of what a program writes is told. */
const maxOutputBytes = 4_096;
/** How long a program has to end when its time is over. */
const graceMs = 5_000;

/** `EX_TEMPFAIL` of sysexits.h: not now, but later. */
const TRY_AGAIN = 75;

/** Where programs are looked for by those that a command starts. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Failures to start that the next try would meet as well. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'ENOEXEC',
  'ENOTDIR',
  'E2BIG',
  'ERR_INVALID_ARG_VALUE',
]);

/** `command_configs` below `x-omoi` of a receiver: a program that reads the webhook's payload. */
export const commandReceiver: ReceiverKind<CommandSettings> = {
  key: 'command_configs',
  type: 'command',
  addressKeys: ['command', 'args'],
  settings: commandSettings,
  complete: (settings, _global, omoi) => {
    const problem = omoi ? notAllowed(settings, omoi.allowedCommands) : null;
    return problem === null ? { settings } : { problems: [problem] };
  },
  templatedFields: templatedFieldsOfCommand,
  notAllowed: (settings, { allowedCommands }) => notAllowed(settings, allowedCommands),
  create: (settings, index, tools) => ({
    type: 'command',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: settings.max_alerts === 0 ? Number.MAX_SAFE_INTEGER : settings.max_alerts,
    timeoutMs: settings.timeout,
    send: (message, options) => attempt(() => sendToCommand(message, options, { settings, tools })),
  }),
};

interface Sender {
  readonly settings: CommandSettings;
  readonly tools: IntegrationTools;
}

async function sendToCommand(
  message: Message,
  { signal }: SendOptions,
  { settings, tools }: Sender,
): Promise<Delivery> {
  const { programs } = tools;
  const { command } = settings;
  const problem = notAllowed(settings, programs?.allowed ?? []);
  if (programs === undefined || problem !== null) {
    return failed('clientError', problem?.message ?? `${command} cannot be started here`, {
      retryable: false,
    });
  }
  const args = await inOrder(settings.args, (arg) => tools.templates.text(arg, message));
  const end = await programs.run({
    program: command,
    args,
    environment: environmentOf(settings, message),
    input: await webhookPayload(message, tools.writing, settings.links ? '4 with links' : '4'),
    signal,
    graceMs,
    maxOutputBytes,
  });
  return judged(end, command, secretsOf(settings));
}

function secretsOf({ environment }: CommandSettings): RequestSecrets {
  const secrets = new RequestSecrets();
  for (const value of Object.values(environment)) if (value !== null) secrets.add(value);
  return secrets;
}

/** Nothing of the server's own: it holds secrets. */
function environmentOf({ environment }: CommandSettings, message: Message): Readonly<Record<string, string>> {
  const own = Object.entries(environment).map(([name, value]) => [name, value ?? ''] as const);
  return {
    PATH,
    LANG: 'C.UTF-8',
    OMOI_NOTIFICATION_ID: message.notificationId,
    OMOI_RECEIVER: message.receiver,
    OMOI_STATUS: statusOfMessage(message),
    OMOI_REASON: message.reason,
    ...(message.traceparent === null ? {} : { TRACEPARENT: message.traceparent }),
    ...Object.fromEntries(own),
  };
}

const GOES_ON =
  '; what it left behind holds its output open and was not ended, as /proc does not show whose it is: end it by hand';

function judged(end: ProgramEnd, command: string, secrets: RequestSecrets): Delivery {
  if (end.kind === 'not started') {
    const reason = `${command} could not be started: ${end.code || end.why}`;
    return failed(FOR_GOOD.has(end.code) ? 'clientError' : 'connection', reason, {
      retryable: !FOR_GOOD.has(end.code),
    });
  }
  const output = oneLine(secrets.withoutSecrets(end.output));
  const said = `${output === '' ? '' : `: ${output}`}${end.goesOn === true ? GOES_ON : ''}`;
  switch (end.kind) {
    case 'stopped':
      return failed('timeout', `${command} took too long and was ended${said}`, { retryable: true });
    case 'killed':
      return failed('serverError', `${command} was ended by ${end.by}${said}`, { retryable: true });
    case 'exited': {
      const answer = `exit ${end.code}${said}`;
      if (end.code === 0) return { outcome: 'delivered', answer };
      const isTemporary = end.code === TRY_AGAIN;
      const reason = `${command}: ${answer}`;
      return failed(isTemporary ? 'serverError' : 'clientError', reason, { retryable: isTemporary });
    }
  }
}

function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
}
