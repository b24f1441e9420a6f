// A worker whose tasks compute without letting the event loop turn, as many milliseconds as they ask for.
import { createAgent } from '@omoi/agent';

createAgent({ onError: (error) => process.stderr.write(`${error.message}\n`) }).work(({ payload }) => {
  const { compute_ms: computeMs } = payload as { readonly compute_ms: number };
  const deadline = performance.now() + computeMs;
  let sum = 0;
  while (performance.now() < deadline) sum += Math.sqrt(sum + 1);
  return Promise.resolve({ sum, pid: process.pid });
});
