import { createSystemClock, SharedStretch } from '#telemetry';
import type { Message } from '../../src/notification/message.ts';
import { sendWithFewerAlerts } from '../../src/notification/outbox/shortened-delivery.ts';
import { attempt } from '../../src/notification/receivers/answers.ts';
import { composeMail } from '../../src/notification/receivers/email/mail-content.ts';
import { payloadJson } from '../../src/notification/receivers/payload-template.ts';
import { signatureOf } from '../../src/notification/receivers/webhook/signature.ts';
import { webhookPayload } from '../../src/notification/receivers/webhook/webhook-payload.ts';
import { createMessageTemplates } from '../../src/notification/templates/create-message-templates.ts';
import { largeMessageOf, messageOf } from '../../src/notification/templates/message.test-support.ts';
import { pacedTemplates } from '../../src/notification/templates/message-templates.ts';
import { percentile, round } from '../tsdb/numbers.ts';
import { measureTurns, type TurnReadings } from './longest-turn.ts';

const clock = createSystemClock();
const writing = new SharedStretch(clock);
const templates = pacedTemplates(createMessageTemplates({ files: [] }), writing);

/** A mail as it is told, with fewer alerts where it is too long, as far as the bytes for the server. */
function mail(message: Message): Promise<unknown> {
  const send = (shortened: Message) =>
    attempt(async () => {
      await composeMail(
        {
          from: 'omoi@example.org',
          to: ['ops@example.org'],
          headers: [['Subject', await templates.text('{{ template "email.default.subject" . }}', shortened)]],
          messageId: '<1@example.org>',
          threadId: null,
          dateMs: shortened.atMs,
          text: '',
          html: await templates.html('{{ template "email.default.html" . }}', shortened),
          boundarySeed: 'bench',
        },
        writing,
      );
      return { outcome: 'delivered', answer: '' };
    });
  return sendWithFewerAlerts({ send }, message, {
    signal: new AbortController().signal,
    memory: null,
    acknowledgeFirst: () => null,
  });
}

async function signedWebhook(message: Message): Promise<void> {
  await signatureOf(await webhookPayload(message, writing), 'secret', { clock, writing });
}

function ownPayload(message: Message): Promise<unknown> {
  const payload = { alerts: '{{ toJson .Alerts }}', title: '{{ template "slack.default.title" . }}' };
  return attempt(async () => {
    await payloadJson(payload, { expand: (text) => templates.text(text, message), writing });
    return { outcome: 'delivered', answer: '' };
  });
}

const CASES: readonly (readonly [
  row: string,
  message: () => Message,
  write: (message: Message) => Promise<unknown>,
])[] = [
  ['mail', () => messageOf(500), mail],
  ['mail, 8 at once', () => messageOf(500), (message) => Promise.all(severalOf(message, 8).map(mail))],
  ['mail, 64 at once', () => messageOf(500), (message) => Promise.all(severalOf(message, 64).map(mail))],
  ['large mail', () => largeMessageOf(500), mail],
  ['large mail', () => largeMessageOf(10_000), mail],
  ['large webhook, signed', () => largeMessageOf(500), signedWebhook],
  ['large webhook, signed', () => largeMessageOf(10_000), signedWebhook],
  ['own payload', () => largeMessageOf(120), ownPayload],
];

/** What templates see of a message is made once: each is one of its own. */
function severalOf(message: Message, count: number): readonly Message[] {
  return Array.from({ length: count }, () => ({ ...message }));
}

/** What writing one message took, of several the median. */
interface LargeMessageReading {
  readonly row: string;
  readonly alerts: number;
  readonly turns: number;
  readonly cpu_ms: number;
  readonly longest_cpu_ms_p50: number;
  readonly longest_cpu_ms_max: number;
}

/** @yields what each took */
export async function* measureLargeMessages(repetitions: number): AsyncGenerator<LargeMessageReading> {
  for (const [row, make, write] of CASES) {
    const readings: TurnReadings[] = [];
    await write(make());
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const message = make();
      readings.push(await measureTurns(() => write(message)));
    }
    const longest = readings.map(({ longestCpuMs }) => longestCpuMs);
    yield {
      row,
      alerts: make().alerts.length,
      turns: percentile(
        readings.map(({ turns }) => turns),
        0.5,
      ),
      cpu_ms: round(
        percentile(
          readings.map(({ cpuMs }) => cpuMs),
          0.5,
        ),
      ),
      longest_cpu_ms_p50: round(percentile(longest, 0.5)),
      longest_cpu_ms_max: round(Math.max(...longest)),
    };
  }
}
