// What Node's URL makes of URLs: a JSON line {"url", "base"?} in, one out.
'use strict';
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter((line) => line);
const ports = { 'http:': 80, 'https:': 443 };
const answers = lines.map((line) => {
  const { url, base } = JSON.parse(line);
  let parsed;
  try {
    parsed = new URL(url, base);
  } catch {
    return '{}';
  }
  return JSON.stringify({
    scheme: parsed.protocol.slice(0, -1),
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? (ports[parsed.protocol] ?? -1) : Number(parsed.port),
    target: parsed.href.replace(/#.*$/s, '').replace(/^[a-z]+:\/\/[^/]*/, ''),  // unlike .search with a lone ?
    credentials: parsed.username !== '' || parsed.password !== '',
  });
});
process.stdout.write(answers.join('\n') + '\n');
