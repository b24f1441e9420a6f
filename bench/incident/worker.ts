// The agent that an incident restarts: it beats and takes no tasks. It ends with the bench, whose process it is given, also
// where no server is left to end it.
import { createAgent } from '@omoi/agent';

const LOOK_EVERY_MS = 5000;
const bench = Number(process.argv[2]);

createAgent();
setInterval(() => {
  try {
    process.kill(bench, 0);
  } catch {
    process.exit();
  }
}, LOOK_EVERY_MS);
