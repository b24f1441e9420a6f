// A route that does nothing, of the framework and the version that Omoi stands on: what any server on it costs here.
import fastify from 'fastify';

const app = fastify();
app.post('/api/v1/fleet/agents/:agent_id/heartbeat', (request) => {
  const { generation, sequence } = request.body as { generation: number; sequence: number };
  return { acknowledged: sequence, generation, desired: 'run', heartbeat_interval_ms: 1000 };
});
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
