import type { FastifyReply } from 'fastify';

/**
 * Runs `leave` when the connection ends before the answer has been sent, or at once where it has. Fastify's own
 * `request.signal` doesn't tell: it listens to the request, which may be over as soon as its body has been read.
 */
export function whenGone(reply: FastifyReply, leave: () => void): void {
  if (reply.raw.destroyed) {
    leave();
    return;
  }
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leave();
  });
}
