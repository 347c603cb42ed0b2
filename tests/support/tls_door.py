"""Ends TLS in front of a Unix socket, as an engine does that listens on TCP.

tls_door.py SOCKET CERTIFICATE KEY [AUTHORITY]: says its port on standard error, and then a line for
each connection that got through; with AUTHORITY, whoever shows no certificate of it does not."""

import contextlib
import select
import socket
import ssl
import sys
import threading


def carry(client, server):
    """Until either side has ended."""
    while True:
        ready = [client] if client.pending() else select.select([client, server], [], [])[0]
        for one in ready:
            came = one.recv(65536)
            if not came:
                return
            (server if one is client else client).sendall(came)


def serve(context, path, accepted):
    wrapped = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
    with wrapped as client, contextlib.suppress(OSError):
        try:
            client.do_handshake()
        except OSError:
            # Whoever is sent away reads why, before the connection is gone.
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
            return
        print("through", file=sys.stderr, flush=True)
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(path)
            carry(client, server)


def main():
    path, certificate, key, *authority = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if authority:
        context.load_verify_locations(authority[0])
        context.verify_mode = ssl.CERT_REQUIRED
    door = socket.create_server(("127.0.0.1", 0))
    print(door.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        accepted, _ = door.accept()
        threading.Thread(target=serve, args=(context, path, accepted), daemon=True).start()


if __name__ == "__main__":
    main()
