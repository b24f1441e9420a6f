// A worker of a pool, and nothing else: it lives as long as its agent does.
import { createAgent } from '@omoi/agent';

createAgent().work(() => 'done');
