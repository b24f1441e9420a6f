// The text of one message about 500 alerts with the default templates. To reach: p99 below 20 ms for Slack and e-mail.
// Then how long large messages hold the event loop at a stretch. To reach: no stretch of 20 ms.
// Then how long one function on a megabyte does: no stretch of 50 ms.
// npm run bench -- templates [--json] [--alerts=500] [--messages=300] [--large=20] [--long=5]
import { parseArgs } from 'node:util';
import { messageOf, templatesOf } from '../src/notification/templates/message.test-support.ts';
import { measureLargeMessages } from './templates/large-messages.ts';
import { measureLongTexts } from './templates/long-texts.ts';
import { percentile, round } from './tsdb/numbers.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    alerts: { type: 'string', default: '500' },
    messages: { type: 'string', default: '300' },
    large: { type: 'string', default: '20' },
    long: { type: 'string', default: '5' },
  },
});
const WARM_UP = 30;

const templates = templatesOf();
const cases = [
  ['slack', 'text', '{{ template "slack.default.text" . }}'],
  ['teams', 'text', '{{ template "msteamsv2.default.text" . }}'],
  ['opsgenie', 'text', '{{ template "opsgenie.default.description" . }}'],
  ['email', 'html', '{{ template "email.default.html" . }}'],
  ['json', 'text', '{{ toJson . }}'],
] as const;

for (const [row, form, template] of cases) {
  const times: number[] = [];
  let characters = 0;
  let cpuUs = 0;
  for (let turn = -WARM_UP; turn < Number(options.messages); turn++) {
    // A message of its own for each turn: what templates see of one is made once.
    const message = messageOf(Number(options.alerts));
    const cpuBefore = process.threadCpuUsage();
    const startedMs = performance.now();
    characters = templates[form](template, message).length;
    const tookMs = performance.now() - startedMs;
    const cpu = process.threadCpuUsage(cpuBefore);
    if (turn < 0) continue;
    times.push(tookMs);
    cpuUs += cpu.user + cpu.system;
  }
  const result = {
    row,
    alerts: Number(options.alerts),
    characters,
    p50_ms: round(percentile(times, 0.5)),
    p99_ms: round(percentile(times, 0.99)),
    max_ms: round(Math.max(...times)),
    cpu_ms: round(cpuUs / 1000 / times.length),
  };
  console.log(
    options.json
      ? JSON.stringify(result)
      : `${row.padEnd(9)} ${String(characters).padStart(7)} characters  median ${result.p50_ms} ms  p99 ${result.p99_ms} ms  max ${result.max_ms} ms  CPU ${result.cpu_ms} ms`,
  );
}

for await (const reading of measureLargeMessages(Number(options.large))) {
  if (options.json) {
    console.log(JSON.stringify(reading));
    continue;
  }
  const { row, alerts, turns, cpu_ms, longest_cpu_ms_p50, longest_cpu_ms_max } = reading;
  console.log(
    `${row.padEnd(21)} ${String(alerts).padStart(6)} alerts  ${turns} turns  CPU ${cpu_ms} ms  longest turn: median ${longest_cpu_ms_p50} ms, worst ${longest_cpu_ms_max} ms`,
  );
}

for await (const reading of measureLongTexts(Number(options.long))) {
  const { row, text, turns, longest_cpu_ms_p50, longest_cpu_ms_max } = reading;
  console.log(
    options.json
      ? JSON.stringify(reading)
      : `${row.padEnd(58)} ${text.padEnd(8)} ${turns} turns  longest: median ${longest_cpu_ms_p50} ms, worst ${longest_cpu_ms_max} ms`,
  );
}
