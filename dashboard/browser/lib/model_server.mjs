// A server of models as Ollama and OpenAI are: it lists its models, and answers every question alike.
import { createServer } from 'node:http';

export async function modelServer({ models = ['tiny', 'llava:7b'], says = 'Hello there.', key = '' } = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url, authorization: request.headers.authorization ?? '' });
    if (key && request.headers.authorization !== `Bearer ${key}`) {
      response.writeHead(401, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${request.headers.authorization}` } }));
    } else if (request.url.endsWith('/models')) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', data: models.map(id => ({ id, object: 'model' })) }));
    } else {
      request.resume();
      request.on('end', () => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        const part = (delta, reason = null) =>
          `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
        response.end(part({ role: 'assistant', content: says }) + part({}, 'stop') + 'data: [DONE]\n\n');
      });
    }
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    asked,
    end() {
      server.closeAllConnections();
      return new Promise(done => server.close(done));
    },
  };
}
