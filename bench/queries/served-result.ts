import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { fastify } from 'fastify';
import { resultJson, type QueryResult } from '#promql';
import { sendPieces } from '../../src/api/http/pieces.ts';

/** Asks for what it is told, and answers with how many bytes came: a thread of its own, so that its time is not counted. */
const CLIENT = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', async (url) => {
  const answer = await fetch(url);
  let bytes = 0;
  for await (const chunk of answer.body) bytes += chunk.length;
  parentPort.postMessage(bytes);
});`;

export interface ResultServer {
  /** Sends the result over HTTP to a client; @returns bytes of the body */
  send(result: QueryResult): Promise<number>;
  stop(): Promise<void>;
}

/** A bare server of the API's framework, which answers with results as the API sends them. */
export async function startResultServer(): Promise<ResultServer> {
  const server = fastify();
  let shown: QueryResult | null = null;
  server.get('/', (_request, reply) => {
    if (!shown) throw new Error('nothing to send');
    return sendPieces(reply.type('application/json'), resultJson(shown));
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = new Worker(CLIENT, { eval: true });
  return {
    async send(result) {
      shown = result;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      client.postMessage(url);
      const [bytes] = (await once(client, 'message')) as [number];
      return bytes;
    },
    async stop() {
      await client.terminate();
      await server.close();
    },
  };
}
