import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commonTexts, type Message, statusOfMessage } from '../../../src/notification/message.ts';

export function isAmtoolInstalled(): boolean {
  return spawnSync('amtool', ['--version']).status === 0;
}

/** What `amtool template render` makes of a text for a message; null where it refuses it. */
export function renderByAmtool(
  text: string,
  { form, message }: { readonly form: 'text' | 'html'; readonly message: Message },
): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'omoi-amtool-'));
  writeFileSync(join(folder, 'data.json'), JSON.stringify(dataOf(message)));
  const run = spawnSync(
    'amtool',
    [
      'template',
      'render',
      // A pattern that matches nothing: only the text is of interest.
      `--template.glob=${join(folder, '*.tmpl')}`,
      `--template.type=${form}`,
      `--template.data=${join(folder, 'data.json')}`,
      `--template.text=${text}`,
    ],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  rmSync(folder, { recursive: true });
  if (run.error) throw run.error;
  return run.status === 0 ? run.stdout : null;
}

/** A message as amtool reads it: Alertmanager's data in JSON. */
function dataOf(message: Message): object {
  const { alerts } = message;
  return {
    receiver: message.receiver,
    status: statusOfMessage(message),
    alerts: alerts.map((alert) => ({
      status: alert.status,
      labels: alert.labels,
      annotations: alert.annotations,
      startsAt: new Date(alert.startsAtMs).toISOString(),
      endsAt: alert.endsAtMs === null ? '0001-01-01T00:00:00Z' : new Date(alert.endsAtMs).toISOString(),
      generatorURL: alert.generatorUrl,
      fingerprint: alert.fingerprint,
    })),
    groupLabels: message.groupLabels,
    commonLabels: commonTexts(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonTexts(alerts.map(({ annotations }) => annotations)),
    externalURL: message.externalUrl,
  };
}
