"""A small server with a certificate and with credentials, which reads both again at SIGHUP: TLS on
one port, and plain HTTP on another that wants `Authorization: Bearer TOKEN`.

    edge_server.py FOLDER TLS_PORT HTTP_PORT

FOLDER has edge.pem, edge.key and edge.tokens (USER:TOKEN lines); edge.pid appears once it answers.
What cannot be read when it is told to leaves it with what it had."""

import contextlib
import http.server
import os
import select
import signal
import socketserver
import ssl
import sys
import threading


class Edge:
    def __init__(self, folder):
        self.folder = folder
        self.context, self.tokens = None, set()
        self.read()

    def read(self, *_):
        with contextlib.suppress(OSError, ssl.SSLError):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.folder + "/edge.pem", self.folder + "/edge.key")
            self.context = context
        with contextlib.suppress(OSError):
            with open(self.folder + "/edge.tokens", encoding="utf-8") as file:
                self.tokens = {line.strip().partition(":")[2] for line in file if ":" in line}


def serve(server):
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


def main():
    folder, tls_port, http_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    edge = Edge(folder)
    signal.signal(signal.SIGHUP, edge.read)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind, _, token = self.headers.get("Authorization", "").partition(" ")
            self.send_response(200 if kind == "Bearer" and token in edge.tokens else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Tls(http.server.ThreadingHTTPServer):
        def finish_request(self, request, client_address):
            with contextlib.suppress(OSError):
                with edge.context.wrap_socket(request, server_side=True) as line:
                    line.recv(1)

        def shutdown_request(self, request):
            with contextlib.suppress(OSError):
                socketserver.TCPServer.shutdown_request(self, request)

    serve(Tls(("127.0.0.1", tls_port), Handler))
    serve(http.server.ThreadingHTTPServer(("127.0.0.1", http_port), Handler))
    with open(folder + "/edge.pid.new", "w", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    os.rename(folder + "/edge.pid.new", folder + "/edge.pid")
    # Not pause(): a signal that comes a moment before it would be acted on at the next one only.
    # Nor sleep(), which libfaketime 0.9.10 fails.
    while True:
        select.select([], [], [], 0.02)


main()
