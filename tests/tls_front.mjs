// tls_front.mjs PROTOCOL CODING CERTIFICATE KEY UPSTREAM_PORT: a TLS server on loopback, Node's, that passes requests on
// to a plain one and its answers back, piece by piece, cut where that one cuts them. PROTOCOL: h2 or http/1.1;
// CODING: identity, gzip or br, where the client takes it. Says its port, then a line a request: its protocol.
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import zlib from "node:zlib";

const [protocol, coding, certificate, key, upstreamPort] = process.argv.slice(2);
const hopByHop = new Set(["connection", "transfer-encoding", "keep-alive"]);

function coder(request) {
  const taken = (request.headers["accept-encoding"] ?? "").split(/, */).includes(coding);
  if (!taken) return null;
  return coding === "gzip" ? zlib.createGzip() : zlib.createBrotliCompress();
}

function answer(request, response, upstream) {
  const headers = Object.fromEntries(Object.entries(upstream.headers).filter(([name]) => !hopByHop.has(name)));
  const compress = coder(request);
  if (compress) {
    headers["content-encoding"] = coding;
    delete headers["content-length"];
    compress.on("data", (piece) => response.write(piece));
    compress.on("end", () => response.end());
  }
  response.writeHead(upstream.statusCode, headers);
  upstream.on("data", (piece) => {
    if (!compress) return response.write(piece);
    compress.write(piece);
    compress.flush();
  });
  upstream.on("end", () => (compress ?? response).end());
  upstream.on("error", () => cut(response));
}

function cut(response) {
  if (response.stream?.close) response.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

function pass(request, response) {
  console.log(`HTTP/${request.httpVersion}`);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(":")));
  const onward = http.request({ port: upstreamPort, host: "127.0.0.1", method: request.method, path: request.url, headers,
                                agent: false });
  onward.on("response", (upstream) => answer(request, response, upstream));
  onward.on("error", () => cut(response));
  request.pipe(onward);
}

const options = { cert: readFileSync(certificate), key: readFileSync(key) };
const server = (protocol === "h2" ? http2.createSecureServer : https.createServer)(options, pass);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
