// A worker as small as they get: it beats, and does the tasks that it is given.
import { setTimeout as delay } from 'node:timers/promises';
import { createAgent } from '@omoi/agent';

const TASK_MS = 50;

createAgent().work(() => delay(TASK_MS, {}));
