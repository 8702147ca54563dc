"""The benchmark's answers for Python servers: wsgi for WSGI, asgi for ASGI.

/ gives the plain answer; anything else gives it with the header that names
the process, by which the strict client tells whose connection it has.
"""

import os

BODY = b'{"status":"ok","worker":0,"generation":1,"uptime_seconds":12.345}\n'
PLAIN = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def wsgi(environ, start_response):
    headers = list(PLAIN)
    if environ["PATH_INFO"] != "/":
        headers.append(("X-Worker-Pid", str(os.getpid())))
    start_response("200 OK", headers)
    return [BODY]


def encoded(headers):
    return [(name.lower().encode(), value.encode()) for name, value in headers]


ASGI_PLAIN = encoded(PLAIN)


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = ASGI_PLAIN
    if scope["path"] != "/":
        headers = headers + encoded([("X-Worker-Pid", str(os.getpid()))])
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
