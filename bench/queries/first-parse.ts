import { createEngine } from '#promql';
import { createSystemClock } from '#telemetry';

// A process of its own: prepares the expression that stands in its environment, the first that it ever sees, and prints
// the CPU time of its main thread, ms.
const text = process.env['BENCH_EXPRESSION'] ?? '';
const engine = createEngine({ clock: createSystemClock() });
const before = process.threadCpuUsage();
engine.prepare(text);
const { user, system } = process.threadCpuUsage(before);
console.log((user + system) / 1000);
