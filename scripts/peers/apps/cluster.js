// The benchmark's answers by node's cluster module; see app.py. A dead worker
// is forked anew, and SIGHUP replaces the workers one at a time, new one first,
// as process managers for node do: the module itself has no reload.
'use strict';
const cluster = require('cluster');
const http = require('http');

const body = '{"status":"ok","worker":0,"generation":1,"uptime_seconds":12.345}\n';
const workers = Number(process.env.WEB_WORKERS);

function serve() {
  http.createServer((request, response) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    if (request.url !== '/') headers['X-Worker-Pid'] = process.pid;
    response.writeHead(200, headers);
    response.end(body);
  }).listen(Number(process.env.PEER_PORT), '127.0.0.1');
}

let reloading = false;

async function reload() {
  if (reloading) return;
  reloading = true;
  for (const old of Object.values(cluster.workers)) {
    const fresh = cluster.fork();
    await new Promise((resolve) => fresh.once('listening', resolve));
    old.disconnect();
  }
  reloading = false;
}

if (cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork();
  cluster.on('exit', (worker) => {
    if (!worker.exitedAfterDisconnect) cluster.fork();
  });
  process.on('SIGHUP', reload);
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
    process.exit(0);
  });
} else {
  process.on('SIGHUP', () => {});
  serve();
}
